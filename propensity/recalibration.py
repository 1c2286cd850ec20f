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
from scipy.special import chdtrc, expit

from propensity.calibration_curves import (
    N_FREE,
    Curve,
    Family,
    bend_logits,
    find_logits,
    fit_curve,
)
from propensity.folds import N_FOLDS

LEVEL = 0.01
"""Of the test: how often scores that are right may be bent for nothing."""


@dataclass(frozen=True)
class Recalibration:
    """One curve for each fold, learnt on the other folds; None: as good as they are."""

    curves: tuple[Curve, ...] | None = None

    def apply(self, probabilities: NDArray[Any], folds: NDArray[Any]) -> NDArray[np.float32]:
        """Recalibrate each row by the curve of its fold, shape (n,)."""
        if self.curves is None:
            return np.asarray(probabilities, dtype=np.float32)
        logits, found = find_logits(probabilities), np.empty(len(probabilities))
        for fold, curve in enumerate(self.curves):
            mine = folds == fold
            found[mine] = expit(bend_logits(logits[mine], curve))
        return found.astype(np.float32)


AS_THEY_ARE = Recalibration()


def recalibrate_if_better(scored: pd.DataFrame) -> Recalibration:
    """Learn a curve a fold on the others, where the responses ask for one.

    Args:
        scored: Columns response (0/1), probability and fold, one row a labelled policyholder.
    """
    response, fold = scored["response"].to_numpy(), scored["fold"].to_numpy()
    probability = scored["probability"].to_numpy()
    family = choose_family(response, probability)
    if not family:
        return AS_THEY_ARE
    others = (fold != k for k in range(N_FOLDS))
    return Recalibration(tuple(fit_curve(response[o], probability[o], family) for o in others))


def choose_family(response: NDArray[Any], probability: NDArray[Any]) -> Family | None:
    """Return the simplest family of curves that is enough; None: as good as they are.

    A family takes the place of a simpler one if the likelihood-ratio test rejects that
    (Wilks 1938): if twice the fall in log loss is more than its further parameters bring by chance.

    Args:
        response: 0 or 1, shape (n,).
        probability: Shape (n,).
    """
    chosen, n_free, logits = None, 0, find_logits(probability)
    loss = _sum_log_loss(response, logits)
    for family, n_more in N_FREE.items():
        bent = bend_logits(logits, fit_curve(response, probability, family))
        lower = _sum_log_loss(response, bent)
        if chdtrc(n_more - n_free, max(0.0, 2 * (loss - lower))) < LEVEL:
            chosen, n_free, loss = family, n_more, lower
    return chosen


def _sum_log_loss(response: NDArray[Any], logits: NDArray[np.float64]) -> float:
    return float(np.logaddexp(0, np.where(response == 1, -1, 1) * logits).sum())
