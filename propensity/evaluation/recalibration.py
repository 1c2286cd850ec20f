"""A second, cross-fitted calibration step that is learnt from responses and kept only if it helps.

The first step, propensity/model/prior_correction.py, is arithmetic and needs no responses. It is
enough for a well-trained network; one that overfitted a small book, or was not trained to give
probabilities (soft F1), needs this second step.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, expit

from propensity.evaluation.calibration_curves import (
    N_FREE,
    Curve,
    Family,
    bend_logits,
    find_logits,
    fit_curve,
)
from propensity.folds import N_FOLDS

LEVEL = 0.01
"""Significance level: the chance of recalibrating scores that are already calibrated."""


@dataclass(frozen=True)
class Recalibration:
    """One curve per fold, learnt on the other folds; None if the scores need no recalibration."""

    curves: tuple[Curve, ...] | None = None

    def apply(self, probabilities: NDArray[Any], folds: NDArray[Any]) -> NDArray[np.float32]:
        """Recalibrate each row with the curve of its fold, shape (n,)."""
        if self.curves is None:
            return np.asarray(probabilities, dtype=np.float32)
        logits, found = find_logits(probabilities), np.full(len(probabilities), np.nan)
        for fold, curve in enumerate(self.curves):
            mine = folds == fold
            found[mine] = expit(bend_logits(logits[mine], curve))
        return found.astype(np.float32)


AS_THEY_ARE = Recalibration()


def recalibrate_if_better(scored: pd.DataFrame) -> Recalibration:
    """Learn curves if the responses reject the scores, and keep them if they lower the log loss.

    Whether to recalibrate, and with which family, is decided once for all rows; the curve of a
    fold uses no response of that fold.

    Args:
        scored: Columns response (0/1), probability and fold, one row per labelled policyholder.
    """
    columns = (scored[c].to_numpy() for c in ("response", "probability", "fold"))
    response, probability, fold = columns
    family = choose_family(response, probability)
    if not family:
        return AS_THEY_ARE
    learnt = learn_curves(response, probability, fold, family)
    before, after = (
        _sum_log_loss(response, find_logits(p))
        for p in (probability, learnt.apply(probability, fold))
    )
    return learnt if after < before else AS_THEY_ARE


def learn_curves(
    response: NDArray[Any], probability: NDArray[Any], fold: NDArray[Any], family: Family
) -> Recalibration:
    """Learn the curve of each fold on the other folds; arrays of shape (n,)."""
    others = (fold != k for k in range(N_FOLDS))
    return Recalibration(tuple(fit_curve(response[o], probability[o], family) for o in others))


def choose_family(response: NDArray[Any], probability: NDArray[Any]) -> Family | None:
    """Return the simplest adequate family of curves; None if no recalibration is needed.

    A family is inadequate if the likelihood-ratio test rejects it against the next one (Wilks
    1938): twice the drop in log loss exceeds what the additional parameters gain by chance. The
    identity is in both families; beta curves are only approximately splines.

    Args:
        response: Responses, 0 or 1, shape (n,).
        probability: Probabilities, shape (n,).
    """
    chosen, n_free, logits = None, 0, find_logits(probability)
    loss = _sum_log_loss(response, logits)
    for family, n_more in N_FREE.items():
        bent = bend_logits(logits, fit_curve(response, probability, family))
        lower = _sum_log_loss(response, bent)
        if chdtrc(n_more - n_free, max(0.0, 2 * (loss - lower))) >= LEVEL:
            break
        chosen, n_free, loss = family, n_more, lower
    return chosen


def _sum_log_loss(response: NDArray[Any], logits: NDArray[np.float64]) -> float:
    return float(np.logaddexp(0, np.where(response == 1, -1, 1) * logits).sum())
