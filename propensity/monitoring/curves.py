"""Curves of a scored book, thinned for drawing, computed in one pass over its parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.metrics.binning import N_RELIABILITY_BINS
from propensity.metrics.intervals import Interval, find_share_interval
from propensity.monitoring.profile import ValueCounts

N_POINTS = 200
"""Points of the precision-recall curve."""


@dataclass(frozen=True)
class CurvePoint:
    """Precision and recall of calling every respondent with a probability of at least `threshold`.

    `precision` is the share of buyers among the called, `recall` the share of the buyers called.
    """

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Called:
    """Decisions at the night's thresholds among the labelled policyholders.

    Args:
        n_called: Number predicted to say yes.
        n_found: Number of those that said yes.
        n_positive: Number of all that said yes.
    """

    n_called: int
    n_found: int
    n_positive: int

    @property
    def precision(self) -> float:
        """Share of the called that said yes; 0 if nobody is called."""
        return self.n_found / max(self.n_called, 1)

    @property
    def precision_interval(self) -> Interval:
        """95 % interval of the precision."""
        return find_share_interval(self.n_found, max(self.n_called, 1))

    @property
    def recall(self) -> float:
        """Share of the buyers that were called."""
        return self.n_found / self.n_positive

    @property
    def recall_interval(self) -> Interval:
        """95 % interval of the recall."""
        return find_share_interval(self.n_found, self.n_positive)


@dataclass(frozen=True)
class ReliabilityBin:
    """Labelled policyholders with neighbouring probabilities.

    Args:
        n_rows: Number of policyholders.
        mean_probability: Mean predicted probability.
        n_positive: Number that said yes.
    """

    n_rows: int
    mean_probability: float
    n_positive: int

    @property
    def actual_share(self) -> float:
        """Share that said yes."""
        return self.n_positive / self.n_rows

    @property
    def interval(self) -> Interval:
        """95 % interval of the actual share."""
        return find_share_interval(self.n_positive, self.n_rows)

    @property
    def agrees(self) -> bool:
        """Whether the interval contains the mean probability."""
        return self.interval.low <= self.mean_probability <= self.interval.high


class CurveTally:
    """Computes the curves of the labelled policyholders; parts must come best first.

    Args:
        n_labelled: Number of policyholders whose response is known.
        n_positive: Number of those that said yes.
    """

    columns = ("probability", "response", "predicted_response")

    def __init__(self, n_labelled: int, n_positive: int) -> None:
        self.n_labelled, self.n_positive = n_labelled, n_positive
        self._targets = np.arange(1, N_POINTS + 1) * n_positive / N_POINTS
        self._points: list[CurvePoint] = []
        self._n_called = self._n_found = self._n_binned = 0
        self._held = np.empty(0, np.float32), np.empty(0, np.int8)
        self._called = np.zeros(3, dtype=np.int64)
        self._bins = np.zeros((N_RELIABILITY_BINS, 3))

    def add(self, batch: pa.Table) -> None:
        """Add the labelled policyholders of the next rows."""
        known = batch.filter(batch["response"].is_valid())
        probability, response, predicted = (known[name].to_numpy() for name in self.columns)
        self._called += predicted.sum(), (predicted & response).sum(), response.sum()
        self._bin(probability, response)
        self._hold(probability, response)

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        """About N_POINTS points of the precision-recall curve, by increasing recall."""
        points = list(self._points)
        if len(self._held[0]):
            points += self._trace(*self._held)
        return tuple(points)

    @property
    def called(self) -> Called:
        """Decisions at the night's thresholds."""
        return Called(*self._called.tolist())

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """Probability and outcome in bins of equal size, by decreasing probability.

        There are fewer than 20 bins only if there are fewer policyholders.
        """
        sums = self._bins.tolist()
        return tuple(ReliabilityBin(int(n), p / n, int(yes)) for n, p, yes in sums if n)

    def _bin(self, probability: NDArray[Any], response: NDArray[Any]) -> None:
        place = self._n_binned + np.arange(len(response))
        # split by rows: cut_bands would have to know ties in later batches
        bins = place * N_RELIABILITY_BINS // self.n_labelled
        for column, weights in enumerate((np.ones(len(bins)), probability, response)):
            self._bins[:, column] += np.bincount(bins, weights, minlength=N_RELIABILITY_BINS)
        self._n_binned += len(response)

    def _hold(self, probability: NDArray[Any], response: NDArray[Any]) -> None:
        """Trace all but the last value, because rows with the same value may follow."""
        held = np.append(self._held[0], probability), np.append(self._held[1], response)
        last = int(np.searchsorted(-held[0], -held[0][-1])) if len(held[0]) else 0
        if last:
            points = self._trace(held[0][:last], held[1][:last])
            self._points += points
            self._n_called += last
            self._n_found += int(held[1][:last].sum())
        self._held = held[0][last:], held[1][last:]

    def _trace(self, probability: NDArray[Any], response: NDArray[Any]) -> list[CurvePoint]:
        """Return points of the exact curve at about equal steps of recall."""
        called = self._n_called + np.arange(1, len(response) + 1)
        found = self._n_found + np.cumsum(response)
        steps = np.flatnonzero(np.append(probability[1:] != probability[:-1], True))
        wanted = self._targets[(self._targets > self._n_found) & (self._targets <= found[-1])]
        places = np.unique(steps[np.searchsorted(found[steps], wanted)])
        precision, recall = found[places] / called[places], found[places] / self.n_positive
        points = zip(probability[places].tolist(), precision.tolist(), recall.tolist(), strict=True)
        return [CurvePoint(*point) for point in points]


def share_by_probability(counts: ValueCounts, n_bins: int = 50) -> NDArray[np.float64]:
    """Return the share of the book in bins of equal width from 0 to 1, shape (n_bins,).

    Args:
        counts: Counts of the probabilities.
        n_bins: A divisor of 100, so that no cell straddles two bins.
    """
    lows = np.array(counts.values, dtype=np.float64)
    bins = np.minimum((lows * n_bins + 1e-9).astype(np.int64), n_bins - 1)
    in_bins = np.bincount(bins, counts.n_all, minlength=n_bins)
    return np.asarray(in_bins / counts.n_all.sum())
