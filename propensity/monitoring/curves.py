"""Curves of a scored book, thin enough to draw: passes over parts that come best first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.binning import N_RELIABILITY_BINS
from propensity.metrics.intervals import Interval, find_share_interval
from propensity.monitoring.profile import ValueCounts
from propensity.scoring.records import ScoredBook
from propensity.storage.parquet_parts import read_batches

N_POINTS = 200


@dataclass(frozen=True)
class CurvePoint:
    """Calling everyone whose probability is at least `threshold`, among the labelled.

    `precision` is the share of yes among the called, `recall` the called share of all yes.
    """

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Called:
    """What the decision thresholds of the night do, among the labelled.

    Args:
        n_called: Predicted to say yes.
        n_found: Those of them who did.
        n_positive: All who said yes.
    """

    n_called: int
    n_found: int
    n_positive: int

    @property
    def precision(self) -> float:
        """Share of the called that said yes; 0 where nobody is called."""
        return self.n_found / max(self.n_called, 1)

    @property
    def precision_interval(self) -> Interval:
        """Its 95 % interval."""
        return find_share_interval(self.n_found, max(self.n_called, 1))

    @property
    def recall(self) -> float:
        """Share of those that said yes who were called."""
        return self.n_found / self.n_positive

    @property
    def recall_interval(self) -> Interval:
        """Its 95 % interval."""
        return find_share_interval(self.n_found, self.n_positive)


@dataclass(frozen=True)
class ReliabilityBin:
    """Labelled policyholders with neighbouring probabilities.

    Args:
        n_rows: How many.
        mean_probability: What the model said.
        n_positive: How many said yes.
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
        """Its 95 % interval."""
        return find_share_interval(self.n_positive, self.n_rows)

    @property
    def agrees(self) -> bool:
        """Whether the interval holds what the model said."""
        return self.interval.low <= self.mean_probability <= self.interval.high


def trace_precision_recall(scores: ScoredBook, n_positive: int) -> tuple[CurvePoint, ...]:
    """Trace the precision-recall curve of the labelled, some 200 points at equal steps of recall.

    Args:
        scores: Parts, best first.
        n_positive: Labelled policyholders who said yes.

    Returns:
        Points by rising recall; each is one of the exact curve.
    """
    targets = np.arange(1, N_POINTS + 1) * n_positive / N_POINTS
    points: list[CurvePoint] = []
    n_called, n_found = 0, 0
    for probability, response in _split_at_steps(scores):
        called = n_called + np.arange(1, len(response) + 1)
        found = n_found + np.cumsum(response)
        is_step = np.append(probability[1:] != probability[:-1], True)
        steps = np.flatnonzero(is_step)
        wanted = targets[(targets > n_found) & (targets <= found[-1])]
        for i in np.unique(steps[np.searchsorted(found[steps], wanted)]):
            precision, recall = found[i] / called[i], found[i] / n_positive
            points.append(CurvePoint(float(probability[i]), float(precision), float(recall)))
        n_called, n_found = int(called[-1]), int(found[-1])
    return tuple(points)


def _split_at_steps(scores: ScoredBook) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield probabilities and responses so that equal probabilities are never split."""
    held: list[NDArray[Any]] = [np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int8)]
    for probability, response, _ in _read_labelled(scores):
        held = [np.append(held[0], probability), np.append(held[1], response)]
        if len(held[0]):
            last = int(np.searchsorted(-held[0], -held[0][-1]))  # where the last value begins
            if last:
                yield held[0][:last], held[1][:last]
                held = [held[0][last:], held[1][last:]]
    if len(held[0]):
        yield held[0], held[1]


def count_called(scores: ScoredBook) -> Called:
    """Count what the decision thresholds do among the labelled."""
    n = np.zeros(3, dtype=np.int64)
    for _, response, predicted in _read_labelled(scores):
        n += predicted.sum(), (predicted & response).sum(), response.sum()
    return Called(*n.tolist())


def measure_reliability(scores: ScoredBook, n_labelled: int) -> tuple[ReliabilityBin, ...]:
    """Compare what the model said with what happened, in bins of equally many labelled.

    Args:
        scores: Parts, best first.
        n_labelled: Policyholders whose response is known.

    Returns:
        Bins by falling probability; fewer than 20 only where there are fewer policyholders.
    """
    sums = np.zeros((N_RELIABILITY_BINS, 3))
    n_before = 0
    for probability, response, _ in _read_labelled(scores):
        place = n_before + np.arange(len(response))
        # by rows, not cut_bands: how many are equal is not known before the last batch is read
        bins = place * N_RELIABILITY_BINS // n_labelled
        for column, weights in enumerate((np.ones(len(bins)), probability, response)):
            sums[:, column] += np.bincount(bins, weights, minlength=N_RELIABILITY_BINS)
        n_before += len(response)
    return tuple(ReliabilityBin(int(n), p / n, int(yes)) for n, p, yes in sums.tolist() if n)


def share_by_probability(counts: ValueCounts, n_bins: int = 50) -> NDArray[np.float64]:
    """Return the share of the book in bins of equal width from 0 to 1, shape (n_bins,).

    Args:
        counts: Of the probabilities.
        n_bins: A divisor of 100, so that no cell straddles two bins.
    """
    lows = np.array(counts.values, dtype=np.float64)
    bins = np.minimum((lows * n_bins + 1e-9).astype(np.int64), n_bins - 1)
    in_bins = np.bincount(bins, counts.n_all, minlength=n_bins)
    return np.asarray(in_bins / counts.n_all.sum())


def _read_labelled(
    scores: ScoredBook,
) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Yield probability, response and predicted response of the labelled, each of shape (n,)."""
    columns = ["probability", "response", "predicted_response"]
    for part in scores.parts:
        for batch in read_batches(part, columns):
            known = batch.filter(batch["response"].is_valid())
            probability, response, predicted = (known[name].to_numpy() for name in columns)
            yield probability, response, predicted
