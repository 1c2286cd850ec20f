"""Check that probabilities add up: expected and actual buyers in each tenth of labelled rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.binning import cut_bands
from propensity.metrics.intervals import Interval, expect_buyers

N_DECILES = 10


@dataclass(frozen=True)
class Decile:
    """A tenth of the labelled policyholders, by cross-fitted probability.

    Args:
        decile: Rank from 1, the best.
        n_rows: Number of policyholders; ties stay together, so not exactly a tenth.
        expected_buyers: Sum of their probabilities.
        interval: 95 % interval of the number of buyers if every probability is right.
        actual_buyers: Number that said yes.
    """

    decile: int
    n_rows: int
    expected_buyers: float
    interval: Interval
    actual_buyers: int

    @property
    def agrees(self) -> bool:
        """Whether the actual number of buyers lies within the interval."""
        return self.interval.low <= self.actual_buyers <= self.interval.high


def compare_buyers(response: NDArray[Any], probability: NDArray[Any]) -> tuple[Decile, ...]:
    """Compare expected with actual buyers in each tenth by probability.

    Args:
        response: Responses, 0 or 1, shape (n,), not empty.
        probability: Cross-fitted probabilities, shape (n,).

    Returns:
        The deciles, best first; fewer than ten if many probabilities are equal.
    """
    distinct, code, n = np.unique(-probability, return_inverse=True, return_counts=True)
    p, tenth = -distinct.astype(np.float64), cut_bands(n, N_DECILES)
    n_yes = np.bincount(code, response, minlength=len(n))
    columns = (n, n * p, n * p * (1 - p), n_yes)
    sums = np.stack([np.bincount(tenth, column) for column in columns], axis=1)
    return tuple(_describe(place, *row) for place, row in enumerate(sums.tolist(), start=1))


def _describe(place: int, n: float, expected: float, variance: float, actual: float) -> Decile:
    # Only chance counts here: whether the probabilities are off is the question being asked.
    interval = expect_buyers(expected, variance, 1.0, 0.0, round(n))
    return Decile(place, round(n), expected, interval, round(actual))
