"""Records of how good scores are; propensity/metrics/classification.py fills them."""

from dataclasses import dataclass

import numpy as np

from propensity.metrics.intervals import Interval

CHANCE_OF_THRESHOLD = 3.0
"""Times half of F1 over the cube root of the ones: so far chance takes the threshold gap.

An estimated maximum strays with the cube root of n (Kim, Pollard 1990, Cube root asymptotics).
With the simulator's true probabilities |gap| / (F1 / 2) * n_positive^(1/3) was below 2.8 in 1,860
books of 4,000 to 300,000 labelled rows at prevalence 0.123, below 2.7 in 500 at 0.05, and above 3
in 2 of 700 at 0.3. With 300,000 rows 3 is a gap of 0.02; class weights left in the probabilities
make it 0.4.
"""


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
