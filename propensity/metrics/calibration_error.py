"""Expected calibration error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.binning import N_RELIABILITY_BINS


def measure_calibration_error(
    responses: NDArray[Any], probabilities: NDArray[Any], n_bins: int = N_RELIABILITY_BINS
) -> float:
    """Return the mean gap between predicted and actual share of ones, over bins of equal size.

    Expected calibration error with equal-mass bins (Nixon et al. 2019). Rows with equal
    probabilities share their mean gap, so the order of the rows does not matter.

    Args:
        responses: 0 or 1, shape (n,).
        probabilities: Predicted probabilities, shape (n,).
        n_bins: Number of bins.
    """
    values, group, sizes = np.unique(probabilities, return_inverse=True, return_counts=True)
    n_ones = np.bincount(group, weights=responses)
    gaps = np.repeat(values.astype(np.float64) - n_ones / sizes, sizes)
    # split by rows, unlike cut_bands: a large group of equal probabilities then counts in full
    return sum(abs(float(b.sum())) for b in np.array_split(gaps, n_bins)) / len(gaps)
