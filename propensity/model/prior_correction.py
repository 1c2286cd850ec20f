"""Correct probabilities after class weights, resampling or focal loss, and smooth them.

Smoothing counters overconfidence where hardly anybody says yes: among so many scores, the lowest
are mostly those that were underestimated.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

FOCUS = 2.0
"""Gamma of the focal loss, as Lin et al. 2017 use it."""
AVERAGE_ROWS = 1 / 3
"""Average rows added by smoothing, per square root of the training rows (docs/truth.md)."""


def correct_prior(
    logits: NDArray[Any], weight_of_zero: float, weight_of_one: float
) -> NDArray[np.float32]:
    """Undo the effect of class weights on the probabilities.

    Weighted training learns the odds times w1/w0, so the logit is shifted back by log(w1/w0)
    (Elkan 2001, theorem 2; Dal Pozzolo et al. 2015 with b = w0/w1). The order does not change.

    Args:
        logits: Logits of the weighted model, shape (n,).
        weight_of_zero: Class weight of a zero in training.
        weight_of_one: Class weight of a one in training.

    Returns:
        Probabilities that the policyholder says yes, shape (n,).
    """
    shifted = np.asarray(logits, dtype=np.float64) - math.log(weight_of_one / weight_of_zero)
    return np.asarray(expit(shifted), dtype=np.float32)


def undo_focal_loss(logits: NDArray[Any], gamma: float = FOCUS) -> NDArray[np.float64]:
    """Convert logits learnt with focal loss to those that a proper loss would have learnt.

    At the minimum of the expected focal loss h(q) p = h(1 - q) (1 - p), with q the probability
    learnt, p the true one and h(q) = (1 - q)^gamma / q - gamma (1 - q)^(gamma - 1) log q
    (Charoenphakdee et al. 2021, "On focal loss for class-posterior probability estimation",
    theorem 11). So logit p = log h(1 - q) - log h(q), which rises with q: it keeps the order.

    Args:
        logits: Logits of the model trained with focal loss, shape (n,).
        gamma: Gamma of that loss, at least 1.

    Returns:
        Logits of the true probabilities, shape (n,).
    """
    z = np.asarray(logits, dtype=np.float64)
    return _log_slope(-z, gamma) - _log_slope(z, gamma)


def smooth_probabilities(
    probabilities: NDArray[Any], n_rows: int, n_ones: int, factor: float = AVERAGE_ROWS
) -> NDArray[np.float32]:
    """Shrink probabilities slightly towards the prevalence q of the training rows.

    (n p + m q) / (n + m), as if m average rows had been added to the n training rows: linear
    shrinkage in the form of the m-estimate (Cestnik 1990, "Estimating probabilities: a crucial task
    in machine learning"). That m is a third of the root of n is an empirical result
    (benchmarks/calibration.py). The order within a fold is kept up to the precision of float32.

    Args:
        probabilities: Predicted probabilities, shape (n,).
        n_rows: Number of training rows.
        n_ones: Number of ones among them.
        factor: m over the root of n.

    Returns:
        Smoothed probabilities, shape (n,).
    """
    p = np.asarray(probabilities, dtype=np.float64)
    m = factor * math.sqrt(n_rows)
    return np.asarray((n_rows * p + m * n_ones / n_rows) / (n_rows + m), dtype=np.float32)


def _log_slope(z: NDArray[np.float64], gamma: float) -> NDArray[np.float64]:
    """Return log h(q) at logit z, in a form that stays accurate for q near 0 or 1."""
    log_q, log_rest = log_expit(z), log_expit(-z)
    # h(q) = (1 - q)^(gamma - 1) / q * ((1 - q) - gamma q log q)
    inner = np.logaddexp(log_rest, log_q + np.log(np.maximum(-gamma * log_q, 1e-300)))
    return np.asarray((gamma - 1) * log_rest - log_q + inner)
