"""Intervals: the record, and the intervals of draws, a share and a number of buyers."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TWO_SIDED_95 = 1.959963984540054
"""Standard deviations on either side that contain 95 % of a normal distribution."""


@dataclass(frozen=True)
class Interval:
    """An interval, of 95 % unless stated otherwise."""

    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Format both ends: f"{interval:.3f}" is "0.451 to 0.459"."""
        return f"{self.low:{spec}} to {self.high:{spec}}"


def find_central_interval(draws: NDArray[np.float64]) -> Interval:
    """Return the interval that contains the central 95 % of draws, shape (n,)."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(low), float(high))


def find_share_interval(n_positive: int, n: int) -> Interval:
    """Return the 95 % interval of a share of n (score interval: Wilson 1927, JASA 22, 209).

    Written out because importing scipy.stats takes longer than most commands.
    """
    share, z2 = n_positive / n, TWO_SIDED_95**2
    middle = share + z2 / (2 * n)
    half = TWO_SIDED_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = ((middle + sign * half) / (1 + z2 / n) for sign in (-1, 1))
    # exactly there the ends are 0 and 1; rounding would leave them a little off
    return Interval(low if n_positive > 0 else 0.0, high if n_positive < n else 1.0)


def expect_buyers(
    expected: float, variance: float, actual_ratio: float, relative_error: float, n: int
) -> Interval:
    """Return the 95 % interval of the number of buyers among n policyholders.

    Two things are uncertain. Each response is random: the number of buyers has the variance sum of
    p (1 - p) (Poisson binomial: Wang 1993, Statistica Sinica 3, 295). And the probabilities may be
    off: among respondents with cross-fitted scores this high, the actual number was `actual_ratio`
    times the expected one, with the standard error `relative_error`. The interval surrounds both
    the expected number and its product with that ratio.

    Args:
        expected: Sum of the n probabilities.
        variance: Sum of p (1 - p) over them.
        actual_ratio: Actual over expected buyers among respondents with scores this high.
        relative_error: Standard error of that ratio: sqrt(sum of p (1 - p)) over the sum of p.
        n: Number of policyholders, the upper limit of the interval.
    """
    half = TWO_SIDED_95 * math.sqrt(variance + (expected * relative_error) ** 2)
    low, high = sorted((expected, expected * actual_ratio))
    return Interval(max(0.0, low - half), min(float(n), high + half))
