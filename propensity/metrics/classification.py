"""Metrics of decisions and ranks, and their bootstrap."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.intervals import Interval, find_central_interval

N_COUNT_RESAMPLES = 10_000
"""Resamples of counts; the cost does not depend on the number of policyholders."""
KINDS = np.arange(8)
ACTUAL, A, B = KINDS >> 2 & 1, KINDS >> 1 & 1, KINDS & 1
"""Response of each kind of policyholder, and the decisions of two models a and b."""


def measure_f1_interval(response: NDArray[Any], predicted: NDArray[Any], *, seed: int) -> Interval:
    """Return the bootstrap interval of the F1 of decisions; both arrays of shape (n,)."""
    return find_central_interval(resample_f1(np.random.default_rng(seed), response, predicted))


def measure_f1(response: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return F1 of the positive class, 2 TP / (predicted + actual); 0 if there are neither."""
    n_either = int(predicted.sum()) + int(response.sum())
    return 2 * int((predicted & response).sum()) / n_either if n_either else 0.0


def compare_f1(
    response: NDArray[Any],
    predicted_a: NDArray[Any],
    predicted_b: NDArray[Any],
    *,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """Return the paired bootstrap interval of F1(a) - F1(b) on the same policyholders."""
    kinds = np.bincount(4 * response + 2 * predicted_a + predicted_b, minlength=8)
    return compare_f1_of_kinds(kinds, seed=seed, level=level)


def compare_f1_of_kinds(kinds: NDArray[Any], *, seed: int, level: float = 0.95) -> Interval:
    """Return the paired bootstrap interval of F1(a) - F1(b), from counts of policyholders.

    A policyholder is one of eight kinds (response, a, b), so resampling policyholders means drawing
    the eight counts from a multinomial distribution.

    Args:
        kinds: Numbers of policyholders with 4 response + 2 a + b = 0 to 7, shape (8,).
        seed: Seed of the bootstrap.
        level: Confidence level of the interval.
    """
    counts = _resample_kinds(kinds, seed)
    difference = _f1_of_counts(counts, ACTUAL, A) - _f1_of_counts(counts, ACTUAL, B)
    return _find_far_ends(difference, level)


def find_net_benefit_gain(kinds: NDArray[Any], probability: float) -> NDArray[np.float64]:
    """Return the net benefit of a minus that of b, as a share of the ones.

    Net benefit is the number of ones found minus the cost of calls in vain, each p / (1 - p) of a
    one, where p is the lowest probability at which a call pays (Vickers, Elkin 2006, Medical
    Decision Making 26, 565; as a share of the ones: Kerr et al. 2016, Journal of Clinical Oncology
    34, 2534).

    Args:
        kinds: Counts as for compare_f1_of_kinds, shape (..., 8).
        probability: Lowest probability at which a call pays; to maximise F1, half of the best F1
            (Lipton et al. 2014).

    Returns:
        Shape (...).
    """
    cost = probability / (1 - probability)
    gain = kinds @ (np.where(ACTUAL == 1, 1.0, -cost) * (A - B))
    return np.asarray(gain / np.maximum(kinds @ ACTUAL, 1))


def compare_net_benefit(
    kinds: NDArray[Any], probability: float, *, seed: int, level: float = 0.95
) -> Interval:
    """Return the paired bootstrap interval of find_net_benefit_gain, with its arguments."""
    return _find_far_ends(find_net_benefit_gain(_resample_kinds(kinds, seed), probability), level)


def _resample_kinds(kinds: NDArray[Any], seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    return rng.multinomial(kinds.sum(), kinds / kinds.sum(), N_COUNT_RESAMPLES)


def _find_far_ends(draws: NDArray[np.float64], level: float) -> Interval:
    # a high level leaves few draws outside; with this method their share is unbiased
    ends = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], method="weibull")
    return Interval(float(ends[0]), float(ends[1]))


def resample_f1(
    rng: np.random.Generator,
    response: NDArray[Any],
    predicted: NDArray[Any],
    _n_resamples: int = 0,
) -> NDArray[np.float64]:
    """Return F1 of resampled policyholders, always of shape (N_COUNT_RESAMPLES,)."""
    kinds = np.bincount(2 * response + predicted, minlength=4)
    counts = rng.multinomial(kinds.sum(), kinds / kinds.sum(), N_COUNT_RESAMPLES)
    return _f1_of_counts(counts, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))


def _f1_of_counts(
    counts: NDArray[Any], actual: NDArray[Any], predicted: NDArray[Any]
) -> NDArray[np.float64]:
    n_found = counts @ (actual * predicted)
    return np.asarray(2 * n_found / np.maximum(counts @ (actual + predicted), 1))


def resample_average_precision(
    rng: np.random.Generator, response: NDArray[Any], probability: NDArray[Any], n_resamples: int
) -> NDArray[np.float64]:
    """Return average precision of resampled policyholders (Poisson), shape (n_resamples,)."""
    order = np.argsort(-probability, kind="stable")
    ranked, scores = response[order], probability[order]
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    draws = (rng.poisson(1.0, len(ranked)) for _ in range(n_resamples))
    return np.array([_average_precision(ranked, times, ends) for times in draws])


def _average_precision(ranked: NDArray[Any], times: NDArray[Any], ends: NDArray[Any]) -> float:
    n_found = np.cumsum(times * ranked)[ends]
    n_called = np.maximum(np.cumsum(times)[ends], 1)
    steps = np.diff(n_found, prepend=0)
    return float(np.sum(steps * n_found / n_called) / max(int(n_found[-1]), 1))
