"""How good cross-fitted scores are: F1 and its company, with intervals. Frozen records only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from propensity.calibration import measure_calibration_error
from propensity.folds import N_FOLDS
from propensity.threshold import choose_thresholds, predict_responses

N_COUNT_RESAMPLES = 10_000
"""Resampling counts costs nothing, however many policyholders they count."""
CHANCE_OF_THRESHOLD = 3.0
"""Times half of F1 over the cube root of the ones: so far chance takes the threshold gap.

An estimated maximum strays with the cube root of n (Kim, Pollard 1990, Cube root asymptotics).
With the simulator's true probabilities |gap| / (F1 / 2) * n_positive^(1/3) was below 2.8 in 1,860
books of 4,000 to 300,000 labelled rows at prevalence 0.123, below 2.7 in 500 at 0.05, and above 3
in 2 of 700 at 0.3. With 300,000 rows 3 is a gap of 0.02; class weights left in the probabilities
make it 0.4.
"""


@dataclass(frozen=True)
class Interval:
    """An interval, of 95 % unless its owner says otherwise."""

    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Write both ends in the given format: f"{interval:.3f}" is "0.451 to 0.459"."""
        return f"{self.low:{spec}} to {self.high:{spec}}"


@dataclass(frozen=True)
class Evaluation:
    """Quality of cross-fitted scores over all labelled policyholders.

    Args:
        n_labelled: Rows judged.
        prevalence: Share of ones: F1 means nothing without it.
        thresholds: Of each fold, chosen for F1 on the other folds.
        f1: At those thresholds.
        f1_interval: Bootstrap over policyholders, thresholds fixed.
        precision: Share of the predicted that said yes.
        recall: Share of those that said yes who were predicted.
        average_precision: Area under the precision-recall curve (step-wise).
        average_precision_interval: Bootstrap over policyholders.
        roc_auc: Chance that a yes is scored above a no.
        brier: Mean squared error of the probability.
        calibration_error: Mean gap between predicted and actual share, 20 equal-mass bins.
        mean_probability: Should equal the prevalence.
    """

    n_labelled: int
    prevalence: float
    thresholds: tuple[float, ...]
    f1: float
    f1_interval: Interval
    precision: float
    recall: float
    average_precision: float
    average_precision_interval: Interval
    roc_auc: float
    brier: float
    calibration_error: float
    mean_probability: float

    @property
    def threshold_gap(self) -> float:
        """Mean threshold less half of F1: near 0 where probabilities mean what they say.

        The best threshold of calibrated scores is half of the best F1 (Lipton, Elkan,
        Narayanaswamy 2014, Thresholding classifiers to maximize F1 score, theorem 1).
        """
        return sum(self.thresholds) / len(self.thresholds) - self.f1 / 2

    @property
    def threshold_gap_by_chance(self) -> float:
        """How far from 0 chance alone takes the gap."""
        n_positive = self.prevalence * self.n_labelled
        return float(CHANCE_OF_THRESHOLD * self.f1 / 2 / np.cbrt(n_positive))


@dataclass(frozen=True)
class Baseline:
    """A way to decide without a model, and the F1 it reaches on the same rows."""

    description: str
    f1: float


def evaluate_scores(scored: pd.DataFrame, *, seed: int, n_bootstrap: int) -> Evaluation:
    """Judge cross-fitted scores.

    Args:
        scored: Columns response (0/1), probability and fold, one row a labelled policyholder.
        seed: Of the bootstrap.
        n_bootstrap: Resamples for average precision.
    """
    response = scored["response"].to_numpy()
    probability = scored["probability"].to_numpy()
    folds = scored["fold"].to_numpy()
    thresholds = choose_thresholds(response, probability, folds, N_FOLDS)
    predicted = predict_responses(probability, folds, thresholds)
    rng = np.random.default_rng(seed)
    n_both = int((predicted & response).sum())
    return Evaluation(
        n_labelled=len(response),
        prevalence=float(response.mean()),
        thresholds=thresholds,
        f1=measure_f1(response, predicted),
        f1_interval=_as_interval(_resample_f1(rng, response, predicted)),
        precision=n_both / max(int(predicted.sum()), 1),
        recall=n_both / int(response.sum()),
        average_precision=float(average_precision_score(response, probability)),
        average_precision_interval=_as_interval(
            _resample_average_precision(rng, response, probability, n_bootstrap)
        ),
        roc_auc=float(roc_auc_score(response, probability)),
        brier=float(brier_score_loss(response, probability)),
        calibration_error=measure_calibration_error(response, probability),
        mean_probability=float(probability.mean(dtype=np.float64)),
    )


def evaluate_baselines(scored: pd.DataFrame, rule_description: str) -> tuple[Baseline, Baseline]:
    """F1 of calling everyone positive and of the contract's rule (column follows_rule)."""
    response = scored["response"].to_numpy()
    everyone = measure_f1(response, np.ones_like(response))
    rule = measure_f1(response, scored["follows_rule"].to_numpy().astype(response.dtype))
    return Baseline("everyone positive", everyone), Baseline(rule_description, rule)


def measure_f1_interval(response: NDArray[Any], predicted: NDArray[Any], *, seed: int) -> Interval:
    """Bootstrap over policyholders of the F1 of decisions, shape (n,) both."""
    return _as_interval(_resample_f1(np.random.default_rng(seed), response, predicted))


def measure_f1(response: NDArray[Any], predicted: NDArray[Any]) -> float:
    """F1 of the positive class, 2 TP / (predicted + actual); 0 when nobody is either."""
    n_either = int(predicted.sum()) + int(response.sum())
    return 2 * int((predicted & response).sum()) / n_either if n_either else 0.0


def compare_f1(
    response: NDArray[Any], predicted_a: NDArray[Any], predicted_b: NDArray[Any], *, seed: int
) -> Interval:
    """Paired bootstrap of F1(a) - F1(b) on the same policyholders."""
    kinds = np.bincount(4 * response + 2 * predicted_a + predicted_b, minlength=8)
    return compare_f1_of_kinds(kinds, seed=seed)


def compare_f1_of_kinds(kinds: NDArray[Any], *, seed: int, level: float = 0.95) -> Interval:
    """Paired bootstrap of F1(a) - F1(b) where policyholders are only counted.

    A policyholder is one of eight kinds (response, a, b), so resampling policyholders is drawing
    the eight counts from a multinomial distribution.

    Args:
        kinds: How many have 4 response + 2 a + b = 0 to 7, shape (8,).
        seed: Of the bootstrap.
        level: Of the interval.
    """
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(kinds.sum(), kinds / kinds.sum(), N_COUNT_RESAMPLES)
    kind = np.arange(8)
    actual, a, b = kind >> 2 & 1, kind >> 1 & 1, kind & 1
    difference = _f1_of_counts(counts, actual, a) - _f1_of_counts(counts, actual, b)
    # far out a level leaves a handful of draws: by this method the chance beyond them is unbiased
    ends = np.quantile(difference, [(1 - level) / 2, (1 + level) / 2], method="weibull")
    return Interval(float(ends[0]), float(ends[1]))


def _resample_f1(
    rng: np.random.Generator, response: NDArray[Any], predicted: NDArray[Any]
) -> NDArray[np.float64]:
    kinds = np.bincount(2 * response + predicted, minlength=4)
    counts = rng.multinomial(kinds.sum(), kinds / kinds.sum(), N_COUNT_RESAMPLES)
    return _f1_of_counts(counts, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))


def _f1_of_counts(
    counts: NDArray[Any], actual: NDArray[Any], predicted: NDArray[Any]
) -> NDArray[np.float64]:
    n_found = counts @ (actual * predicted)
    return np.asarray(2 * n_found / np.maximum(counts @ (actual + predicted), 1))


def _resample_average_precision(
    rng: np.random.Generator, response: NDArray[Any], probability: NDArray[Any], n_resamples: int
) -> NDArray[np.float64]:
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


def _as_interval(draws: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(low), float(high))
