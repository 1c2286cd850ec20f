"""The only definition of binning: numbers are cut into cells, and cells into bands."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNIFICANT_DIGITS = 3
SMALLEST = -30
"""Exponent of ten below which a number counts as 0."""
POWERS = np.array([float(f"1e{exponent}") for exponent in range(SMALLEST, 309)])
"""Powers of ten, because a logarithm would round 999,999,999,999.998 up to the next one."""

N_RELIABILITY_BINS = 20
"""Bins of equally many policyholders in which probabilities are compared with outcomes."""


def find_cells(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Round numbers down to three significant digits; leave whole numbers below 1000 unchanged.

    Args:
        numbers: Finite numbers, shape (n,).

    Returns:
        Lower ends of their cells, shape (n,).
    """
    x = np.asarray(numbers, dtype=np.float64)
    x = np.where(np.abs(x) < POWERS[0], 0.0, x)
    exponent = np.maximum(np.searchsorted(POWERS, np.abs(x), side="right") - 1, 0) + SMALLEST
    places = exponent - SIGNIFICANT_DIGITS + 1
    # use only 10, 100, ..., which are exact: 0.1 and 0.01 are not
    up, down = (POWERS[np.maximum(p, 0) - SMALLEST] for p in (-places, places))
    return np.asarray(np.floor(x * up / down) * down / up)


def cut_bands(n: NDArray[np.int64], n_bands: int) -> NDArray[np.int64]:
    """Cut ordered cells into bands of about equal size; a large cell may take the place of several.

    Args:
        n: Policyholders in each cell, in order, shape (n,), not all 0.
        n_bands: Number of bands wanted; there may be fewer.

    Returns:
        The band of each cell, from 0 and without gaps, shape (n,).
    """
    middle = np.cumsum(n) - n / 2
    # the middle of an empty last cell is the end of the last band
    band = np.minimum(np.floor(n_bands * middle / n.sum()), n_bands - 1)
    return np.asarray(np.unique(band, return_inverse=True)[1], dtype=np.int64)


def find_starts(bands: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the first cell of each band of cut_bands, shape (n_bands,)."""
    return np.flatnonzero(np.diff(bands, prepend=-1))
