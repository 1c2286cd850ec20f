"""A second step of calibration, learnt from responses and cross-fitted: only where it helps.

The first step, propensity/calibration.py, is arithmetic and needs no responses. It is enough for a
network that learnt well; one that learnt too much of a small book, or never learnt probabilities
(soft F1), needs this one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit
from sklearn.linear_model import LogisticRegression

from propensity.folds import N_FOLDS

Curve = tuple[float, float, float]
"""a, b, c of logit p' = a log p - b log(1 - p) + c, with a and b not negative: order stays."""
NO_GAIN = 1.959964
"""Standard errors by which the log loss must fall."""
SMALLEST, LARGEST = 1e-30, 1 - 1e-7
"""Probabilities beyond count as these; float32 has none between the largest and 1."""


@dataclass(frozen=True)
class Recalibration:
    """One curve for each fold, learnt on the other folds; None: as good as they are."""

    curves: tuple[Curve, ...] | None = None

    def apply(self, probabilities: NDArray[Any], folds: NDArray[Any]) -> NDArray[np.float32]:
        """Recalibrate each row by the curve of its fold, shape (n,)."""
        if self.curves is None:
            return np.asarray(probabilities, dtype=np.float32)
        a, b, c = np.array(self.curves)[folds].T
        log_p, log_rest = _log_both(probabilities)
        return np.asarray(expit(a * log_p - b * log_rest + c), dtype=np.float32)


AS_THEY_ARE = Recalibration()


def recalibrate_if_better(scored: pd.DataFrame) -> Recalibration:
    """Learn a curve a fold on the others; keep them if they clearly lower the log loss.

    Beta calibration (Kull, Silva Filho, Flach 2017). It is kept if the paired 95 % interval of the
    fall in log loss, over all policyholders, lies above 0.

    Args:
        scored: Columns response (0/1), probability and fold, one row a labelled policyholder.
    """
    response, fold = scored["response"].to_numpy(), scored["fold"].to_numpy()
    probability = scored["probability"].to_numpy()
    others = (fold != k for k in range(N_FOLDS))
    learnt = Recalibration(tuple(fit_curve(response[o], probability[o]) for o in others))
    before = _measure_log_loss(response, probability)
    fall = before - _measure_log_loss(response, learnt.apply(probability, fold))
    error = fall.std() / np.sqrt(len(fall))
    return learnt if fall.mean() > NO_GAIN * error else AS_THEY_ARE


def fit_curve(response: NDArray[Any], probability: NDArray[Any]) -> Curve:
    """Fit a, b, c by logistic regression; a slope that comes out negative is left out."""
    inputs = np.stack(_log_both(probability), axis=1) * [1, -1]
    for used in ([0, 1], [0], [1]):
        fitted = LogisticRegression(C=np.inf).fit(inputs[:, used], response)
        slopes = np.zeros(2)
        slopes[used] = fitted.coef_[0]
        if (slopes[used] > 0).all():
            return float(slopes[0]), float(slopes[1]), float(fitted.intercept_[0])
    return 0.0, 0.0, float(logit(response.mean()))  # the better the score, the fewer say yes


def _log_both(probability: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z = logit(np.clip(probability.astype(np.float64), SMALLEST, LARGEST))
    return log_expit(z), log_expit(-z)


def _measure_log_loss(response: NDArray[Any], probability: NDArray[Any]) -> NDArray[np.float64]:
    log_p, log_rest = _log_both(probability)
    return np.where(response == 1, -log_p, -log_rest)
