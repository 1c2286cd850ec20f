"""What calling the best leads is expected to bring."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.evaluation import Interval
from propensity.parts import read_batches
from propensity.scored import ScoredBook

TWO_SIDED_95 = 1.959964


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
        relative_error: Standard error of expected over actual buyers, see expect_buyers.
    """

    percent: int
    n_policyholders: int
    expected_buyers: float
    expected_low: float
    expected_high: float
    lift: float
    reached_share: float
    relative_error: float


def expect_buyers(
    expected: float, variance: float, relative_error: float, n_policyholders: int
) -> Interval:
    """Return the 95 % interval of how many of n policyholders say yes.

    Two things are uncertain. Each answer is a coin of its own: the number of yes has the variance
    sum of p (1 - p) (Poisson binomial: Wang 1993, Statistica Sinica 3, 295). And the calibration
    is known only as well as the responses seen so far tell: among E expected of those the actual
    number varies by sqrt(sum of p (1 - p)), which is relative_error once divided by E.

    Args:
        expected: Sum of the n calibrated probabilities.
        variance: Sum of p (1 - p) over them.
        relative_error: Of the calibration, as a share of `expected`.
        n_policyholders: More cannot say yes.
    """
    half = TWO_SIDED_95 * math.sqrt(variance + (expected * relative_error) ** 2)
    return Interval(max(0.0, expected - half), min(float(n_policyholders), expected + half))


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


def _sum_until(
    scores: ScoredBook, suppressed: NDArray[np.int64], cutoffs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sum callable, p, p (1 - p), and both over known responses, until each cutoff; (100, 5)."""
    before, found = np.zeros(5), []
    for batch in _read(scores):
        p = batch["probability"].to_numpy().astype(np.float64)
        callable_ = _is_callable(batch, suppressed)
        known = batch["response_known"].to_numpy() == 1
        terms = [callable_, callable_ * p, callable_ * p * (1 - p), known * p, known * p * (1 - p)]
        sums = before[:, None] + np.cumsum(np.stack(terms), axis=1)
        here = cutoffs[(cutoffs > before[0]) & (cutoffs <= sums[0, -1])]
        found.append(sums[:, np.searchsorted(sums[0], here)].T)
        before = sums[:, -1]
    return np.concatenate(found)


def _describe(percent: int, sums: NDArray[np.float64], of_all: NDArray[np.float64]) -> Gain:
    n, expected, variance, known, known_variance = sums.tolist()
    relative_error = math.sqrt(known_variance) / known if known else 1.0
    interval = expect_buyers(expected, variance, relative_error, int(n))
    reached = expected / of_all[1] if of_all[1] else 0.0
    lift = reached * of_all[0] / n
    ends = interval.low, interval.high
    return Gain(percent, int(n), expected, *ends, lift, reached, relative_error)


def _read(scores: ScoredBook) -> Iterator[pa.Table]:
    columns = ["policyholder_id", "response_known", "lead_rank", "probability"]
    return (batch for part in scores.parts for batch in read_batches(part, columns))


def _is_callable(batch: pa.Table, suppressed: NDArray[np.int64]) -> NDArray[np.bool_]:
    is_lead = batch["lead_rank"].is_valid().to_numpy()
    if not len(suppressed):
        return np.asarray(is_lead)
    return np.asarray(is_lead & ~np.isin(batch["policyholder_id"].to_numpy(), suppressed))
