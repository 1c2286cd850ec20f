"""The expected result of calling the best leads."""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.metrics.intervals import expect_buyers
from propensity.scoring.records import ScoredBook
from propensity.storage.parquet_parts import read_batches


@dataclass(frozen=True)
class Gain:
    """The expected result of calling the best `percent` per cent of the leads.

    Args:
        percent: Share of the leads called, 1 to 100.
        n_policyholders: Number of leads called.
        expected_buyers: Sum of their calibrated probabilities.
        expected_low: Lower end of the 95 % interval of the buyers, see expect_buyers.
        expected_high: Upper end of that interval.
        lift: Their expected response rate divided by that of all leads.
        reached_share: Their expected buyers divided by those of all leads.
        actual_ratio: Actual over expected buyers among known responses with such probabilities.
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


class GainTally:
    """Sums up the expected result of calling the best leads; parts must come best first.

    Args:
        n_leads: Number of leads that may be called, see count_callable.
        suppressed: Ids of the policyholders who must not be called, shape (n,).
        n_calls: Number of calls that can be made; `forecast` is the gain from them.
    """

    columns = ("policyholder_id", "response_known", "response", "lead_rank", "probability")

    def __init__(self, n_leads: int, suppressed: NDArray[np.int64], n_calls: int = 1) -> None:
        self.n_leads, self.suppressed = n_leads, suppressed
        self.n_called = min(n_calls, n_leads)
        percents = np.ceil(np.arange(1, 101) * n_leads / 100).astype(np.int64)
        self._percents, self._cutoffs = percents, np.unique(np.append(percents, self.n_called))
        self._before, self._found = np.zeros(6), list[NDArray[np.float64]]()

    def add(self, batch: pa.Table) -> None:
        """Sum up to each cutoff: n, p, p (1 - p); of known responses: p, p (1 - p), yes."""
        p = batch["probability"].to_numpy().astype(np.float64)
        callable_ = _is_callable(batch, self.suppressed)
        known = batch["response_known"].to_numpy() == 1
        said_yes = batch["response"].fill_null(0).to_numpy()
        of_called = [callable_, callable_ * p, callable_ * p * (1 - p)]
        of_known = [known * p, known * p * (1 - p), said_yes]
        sums = self._before[:, None] + np.cumsum(np.stack(of_called + of_known), axis=1)
        here = (self._cutoffs > self._before[0]) & (self._cutoffs <= sums[0, -1])
        self._found.append(sums[:, np.searchsorted(sums[0], self._cutoffs[here])].T)
        self._before = sums[:, -1]

    @property
    def gains(self) -> list[Gain]:
        """Gains of calling the best 1, 2 ... 100 per cent; empty if nobody may be called."""
        if not self.n_leads:
            return []
        return [self._describe(percent, n) for percent, n in enumerate(self._percents, start=1)]

    @property
    def forecast(self) -> Gain | None:
        """Gain of the calls that can be made, per cent rounded down; None without leads."""
        if not self.n_leads:
            return None
        return self._describe(100 * self.n_called // self.n_leads, self.n_called)

    def _describe(self, percent: int, n: int) -> Gain:
        sums = np.concatenate(self._found)
        return _describe(percent, sums[np.searchsorted(self._cutoffs, n)], sums[-1])


def count_callable(scores: ScoredBook, suppressed: NDArray[np.int64]) -> int:
    """Count the leads that are not suppressed; without suppressions, no part is read."""
    if not len(suppressed):
        return scores.n_leads
    columns = ["policyholder_id", "lead_rank"]
    batches = (batch for part in scores.parts for batch in read_batches(part, columns))
    return sum(int(_is_callable(batch, suppressed).sum()) for batch in batches)


def _describe(percent: int, sums: NDArray[np.float64], of_all: NDArray[np.float64]) -> Gain:
    n, expected, variance, known, known_variance, said_yes = sums.tolist()
    # without known responses there is no evidence that the probabilities are right
    ratio, error = (said_yes / known, math.sqrt(known_variance) / known) if known else (1.0, 1.0)
    interval = expect_buyers(expected, variance, ratio, error, int(n))
    reached = expected / of_all[1] if of_all[1] else 0.0
    ends = interval.low, interval.high
    return Gain(percent, int(n), expected, *ends, reached * of_all[0] / n, reached, ratio, error)


def _is_callable(batch: pa.Table, suppressed: NDArray[np.int64]) -> NDArray[np.bool_]:
    is_lead = batch["lead_rank"].is_valid().to_numpy()
    if not len(suppressed):
        return np.asarray(is_lead)
    return np.asarray(is_lead & ~np.isin(batch["policyholder_id"].to_numpy(), suppressed))
