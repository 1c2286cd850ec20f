"""Records of the quality of scores; propensity/metrics/evaluation.py creates them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from propensity.metrics.catalog import F1, Metric
from propensity.metrics.intervals import Interval

CHANCE_OF_THRESHOLD = 3.0
"""Times half of F1 over the cube root of the ones: the largest threshold gap chance explains.

The error of an estimated maximum shrinks with the cube root of n (Kim, Pollard 1990, Cube root
asymptotics). With true probabilities |gap| / (F1 / 2) * n_positive^(1/3) was below 2.8 in 1,860
books of 4,000 to 300,000 labelled rows at prevalence 0.123, below 2.7 in 500 at 0.05, and above 3
in 2 of 700 at 0.3 (simulated books). With 300,000 rows 3 is a gap of 0.02; uncorrected class
weights make it 0.4.
"""


@dataclass(frozen=True)
class Evaluation:
    """Quality of cross-fitted scores over all labelled policyholders.

    Args:
        n_labelled: Number of labelled policyholders.
        prevalence: Share of ones, without which F1 means nothing.
        thresholds: Threshold of each fold, chosen for F1 on the other folds.
        mean_probability: Mean predicted probability, near the prevalence if calibrated.
        metrics: Value of every metric in the catalog, by name; decisions use the thresholds.
        intervals: 95 % interval of every metric that has one, by name: bootstrap over
            policyholders with fixed thresholds.
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
        """F1, on which the gate decides."""
        return self[F1]

    @property
    def f1_interval(self) -> Interval:
        """The interval of F1."""
        return self.intervals[F1.name]

    def write(self, metric: Metric) -> str:
        """Format the value of a metric, with its interval in brackets if it has one."""
        value, interval = metric.write(self[metric]), self.intervals.get(metric.name)
        return f"{value} ({metric.write(interval)})" if interval else value

    @property
    def threshold_gap(self) -> float:
        """Mean threshold minus half of F1: near 0 if the probabilities are calibrated.

        The best threshold of calibrated scores is half of the best F1 (Lipton, Elkan,
        Narayanaswamy 2014, Thresholding classifiers to maximize F1 score, theorem 1).
        """
        return sum(self.thresholds) / len(self.thresholds) - self.f1 / 2

    @property
    def threshold_gap_by_chance(self) -> float:
        """Largest absolute gap that chance explains."""
        n_positive = self.prevalence * self.n_labelled
        return float(CHANCE_OF_THRESHOLD * self.f1 / 2 / np.cbrt(n_positive))


@dataclass(frozen=True)
class Baseline:
    """A decision rule without a model, and its F1 on the same rows."""

    description: str
    f1: float
