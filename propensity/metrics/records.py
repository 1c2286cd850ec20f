"""Records of how good scores are; propensity/metrics/evaluation.py fills them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from propensity.metrics.catalog import F1, Metric
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
        mean_probability: Should equal the prevalence.
        metrics: Value of every metric in the catalog, by name; decisions use the thresholds.
        intervals: 95 % interval of every metric that has one, by name: bootstrap over
            policyholders, thresholds fixed.
    """

    n_labelled: int
    prevalence: float
    thresholds: tuple[float, ...]
    mean_probability: float
    metrics: Mapping[str, float]
    intervals: Mapping[str, Interval]

    def __getitem__(self, metric: Metric) -> float:
        """Return the value of a metric."""
        return self.metrics[metric.name]

    @property
    def f1(self) -> float:
        """F1, by which the gate decides."""
        return self[F1]

    @property
    def f1_interval(self) -> Interval:
        """The interval of F1."""
        return self.intervals[F1.name]

    def write(self, metric: Metric) -> str:
        """Write the value of a metric, with its interval in brackets where it has one."""
        value, interval = metric.write(self[metric]), self.intervals.get(metric.name)
        return f"{value} ({metric.write(interval)})" if interval else value

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
