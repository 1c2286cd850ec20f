"""Do probabilities add up: buyers to expect in each tenth of the labelled, and those there were."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.binning import cut_bands
from propensity.metrics.intervals import Interval, expect_buyers

N_DECILES = 10


@dataclass(frozen=True)
class Decile:
    """A tenth of the policyholders whose response is known, by cross-fitted probability.

    Args:
        decile: 1 is the best, 10 the last.
        n_rows: Policyholders; equal probabilities stay together, so not exactly a tenth.
        expected_buyers: Sum of their probabilities.
        interval: Of the number that says yes if each probability is right, 95 %.
        actual_buyers: Said yes.
    """

    decile: int
    n_rows: int
    expected_buyers: float
    interval: Interval
    actual_buyers: int

    @property
    def agrees(self) -> bool:
        """Whether as many said yes as the probabilities make likely."""
        return self.interval.low <= self.actual_buyers <= self.interval.high


def compare_buyers(response: NDArray[Any], probability: NDArray[Any]) -> tuple[Decile, ...]:
    """Hold the buyers to expect against those there were, in each tenth by probability.

    Args:
        response: 0 or 1, shape (n,), not empty.
        probability: Cross-fitted, shape (n,).

    Returns:
        The best tenth first; fewer than ten where many have the same probability.
    """
    distinct, code, n = np.unique(-probability, return_inverse=True, return_counts=True)
    p, tenth = -distinct.astype(np.float64), cut_bands(n, N_DECILES)
    n_yes = np.bincount(code, response, minlength=len(n))
    columns = (n, n * p, n * p * (1 - p), n_yes)
    sums = np.stack([np.bincount(tenth, column) for column in columns], axis=1)
    return tuple(_describe(place, *row) for place, row in enumerate(sums.tolist(), start=1))


def _describe(place: int, n: float, expected: float, variance: float, actual: float) -> Decile:
    # only the coins are uncertain here: that the probabilities may be off is what is looked at
    interval = expect_buyers(expected, variance, 1.0, 0.0, round(n))
    return Decile(place, round(n), expected, interval, round(actual))
