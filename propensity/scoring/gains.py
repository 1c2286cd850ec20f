"""What calling the best leads is expected to bring."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.metrics.intervals import expect_buyers
from propensity.scoring.records import ScoredBook
from propensity.storage.parquet_parts import read_batches


@dataclass(frozen=True)
class Gain:
    """Calling the best `percent` per cent of the leads.

    Args:
        percent: 1 to 100.
        n_policyholders: How many that are.
        expected_buyers: Sum of their calibrated probabilities.
        expected_low: Lower end of its 95 % interval, see expect_buyers.
        expected_high: Upper end.
        lift: Expected share of yes among them, over that among all leads.
        reached_share: Expected buyers among them, over those among all leads.
        actual_ratio: Actual over expected buyers, of the known responses this good.
        relative_error: Standard error of that ratio.
    """

    percent: int
    n_policyholders: int
    expected_buyers: float
    expected_low: float
    expected_high: float
    lift: float
    reached_share: float
    actual_ratio: float
    relative_error: float


def find_gains(scores: ScoredBook, suppressed: NDArray[np.int64]) -> list[Gain]:
    """Say what to expect from calling the best 1, 2 ... 100 per cent of the leads.

    Args:
        scores: Parts, best first.
        suppressed: Ids of those who may not be called tonight, shape (n,).

    Returns:
        A hundred gains, or none where nobody may be called.
    """
    n_leads = sum(int(_is_callable(b, suppressed).sum()) for b in _read(scores))
    if not n_leads:
        return []
    cutoffs = np.ceil(np.arange(1, 101) * n_leads / 100).astype(np.int64)
    sums = _sum_until(scores, suppressed, cutoffs)
    return [_describe(percent, sums[percent - 1], sums[-1]) for percent in range(1, 101)]


def forecast_calls(
    scores: ScoredBook, suppressed: NDArray[np.int64], gains: list[Gain], n_calls: int
) -> Gain | None:
    """Say what to expect from calling the n best leads, or all of them if there are fewer.

    Args:
        scores: Parts, best first.
        suppressed: Ids of those who may not be called tonight, shape (n,).
        gains: What find_gains says of the same scores.
        n_calls: How many can be called.

    Returns:
        Its per cent is rounded down; None where nobody may be called.
    """
    if not gains:
        return None
    n_leads = gains[-1].n_policyholders
    n_called = min(n_calls, n_leads)
    sums = _sum_until(scores, suppressed, np.array([n_called, n_leads]))
    return _describe(100 * n_called // n_leads, *sums)


def _sum_until(
    scores: ScoredBook, suppressed: NDArray[np.int64], cutoffs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sum until each cutoff, shape (cutoffs, 6): n, p, p (1 - p); of known: p, p (1 - p), yes."""
    before, found = np.zeros(6), []
    for batch in _read(scores):
        p = batch["probability"].to_numpy().astype(np.float64)
        callable_ = _is_callable(batch, suppressed)
        known = batch["response_known"].to_numpy() == 1
        said_yes = batch["response"].fill_null(0).to_numpy()
        of_called = [callable_, callable_ * p, callable_ * p * (1 - p)]
        of_known = [known * p, known * p * (1 - p), said_yes]
        sums = before[:, None] + np.cumsum(np.stack(of_called + of_known), axis=1)
        here = cutoffs[(cutoffs > before[0]) & (cutoffs <= sums[0, -1])]
        found.append(sums[:, np.searchsorted(sums[0], here)].T)
        before = sums[:, -1]
    return np.concatenate(found)


def _describe(percent: int, sums: NDArray[np.float64], of_all: NDArray[np.float64]) -> Gain:
    n, expected, variance, known, known_variance, said_yes = sums.tolist()
    # where no response is known nothing speaks for the probabilities
    ratio, error = (said_yes / known, math.sqrt(known_variance) / known) if known else (1.0, 1.0)
    interval = expect_buyers(expected, variance, ratio, error, int(n))
    reached = expected / of_all[1] if of_all[1] else 0.0
    ends = interval.low, interval.high
    return Gain(percent, int(n), expected, *ends, reached * of_all[0] / n, reached, ratio, error)


def _read(scores: ScoredBook) -> Iterator[pa.Table]:
    columns = ["policyholder_id", "response_known", "response", "lead_rank", "probability"]
    return (batch for part in scores.parts for batch in read_batches(part, columns))


def _is_callable(batch: pa.Table, suppressed: NDArray[np.int64]) -> NDArray[np.bool_]:
    is_lead = batch["lead_rank"].is_valid().to_numpy()
    if not len(suppressed):
        return np.asarray(is_lead)
    return np.asarray(is_lead & ~np.isin(batch["policyholder_id"].to_numpy(), suppressed))
