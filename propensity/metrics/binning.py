"""Cut numbers into cells and bands: the one place where binning is defined."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNIFICANT_DIGITS = 3
SMALLEST = -30
"""Numbers closer to 0 than ten to this power count as 0."""
POWERS = np.array([float(f"1e{exponent}") for exponent in range(SMALLEST, 309)])
"""Of ten: a logarithm would round 999,999,999,999.998 up to the next one."""

N_RELIABILITY_BINS = 20
"""Bins of equally many policyholders in which probabilities are held against what happened."""


def find_cells(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Round numbers down to three significant digits, whole numbers below 1000 not at all.

    Args:
        numbers: Finite, shape (n,).

    Returns:
        Lower ends of their cells, shape (n,).
    """
    x = np.asarray(numbers, dtype=np.float64)
    x = np.where(np.abs(x) < POWERS[0], 0.0, x)
    exponent = np.maximum(np.searchsorted(POWERS, np.abs(x), side="right") - 1, 0) + SMALLEST
    places = exponent - SIGNIFICANT_DIGITS + 1
    # 10 and 100 are exact, 0.1 and 0.01 are not: multiply or divide
    up, down = (POWERS[np.maximum(p, 0) - SMALLEST] for p in (-places, places))
    return np.asarray(np.floor(x * up / down) * down / up)


def cut_bands(n: NDArray[np.int64], n_bands: int) -> NDArray[np.int64]:
    """Cut cells in order into bands of about equally many; a large cell may fill several.

    Args:
        n: Policyholders in each cell, in order, shape (n,), not all 0.
        n_bands: Bands to make; there may be fewer.

    Returns:
        The band of each cell, 0 and up without gaps, shape (n,).
    """
    middle = np.cumsum(n) - n / 2
    # an empty cell at the end has its middle at the end of the last band
    band = np.minimum(np.floor(n_bands * middle / n.sum()), n_bands - 1)
    return np.asarray(np.unique(band, return_inverse=True)[1], dtype=np.int64)


def find_starts(bands: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of the first cell of each band that cut_bands made, shape (n_bands,)."""
    return np.flatnonzero(np.diff(bands, prepend=-1))
