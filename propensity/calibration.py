"""Put probabilities right after class weights, and measure how right they are."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit


def correct_prior(
    logits: NDArray[Any], weight_of_zero: float, weight_of_one: float
) -> NDArray[np.float32]:
    """Undo what class weights did to the probabilities.

    Weighted training learns the odds times w1/w0, so the logit is shifted back by log(w1/w0)
    (Elkan 2001, theorem 2; Dal Pozzolo et al. 2015 with b = w0/w1). The order does not change.

    Args:
        logits: Of the weighted model, shape (n,).
        weight_of_zero: Class weight of a zero in training.
        weight_of_one: Class weight of a one in training.

    Returns:
        Probabilities that the policyholder says yes, shape (n,).
    """
    shifted = np.asarray(logits, dtype=np.float64) - math.log(weight_of_one / weight_of_zero)
    return np.asarray(expit(shifted), dtype=np.float32)


def measure_calibration_error(
    responses: NDArray[Any], probabilities: NDArray[Any], n_bins: int = 20
) -> float:
    """Mean gap between predicted and actual share of ones, over bins of equally many rows.

    Expected calibration error with equal-mass bins (Nixon et al. 2019). Rows with equal
    probabilities share their mean gap, so the order of the rows does not matter.

    Args:
        responses: 0 or 1, shape (n,).
        probabilities: Shape (n,).
        n_bins: Bins, in order of probability.
    """
    values, group, sizes = np.unique(probabilities, return_inverse=True, return_counts=True)
    n_ones = np.bincount(group, weights=responses)
    gaps = np.repeat(values.astype(np.float64) - n_ones / sizes, sizes)
    return sum(abs(float(b.sum())) for b in np.array_split(gaps, n_bins)) / len(gaps)
