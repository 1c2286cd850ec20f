"""A second step of calibration, learnt from responses and cross-fitted: only where it helps.

The first step, propensity/model/prior_correction.py, is arithmetic: it needs no responses of those
it is for. It is enough for a network that learnt well; one that learnt too much of a small book, or
never learnt probabilities (soft F1), needs this one.
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
"""Of each test: so seldom are scores that are right bent for nothing."""


@dataclass(frozen=True)
class Recalibration:
    """One curve for each fold, learnt on the other folds; None: as good as they are."""

    curves: tuple[Curve, ...] | None = None

    def apply(self, probabilities: NDArray[Any], folds: NDArray[Any]) -> NDArray[np.float32]:
        """Recalibrate each row by the curve of its fold, shape (n,)."""
        if self.curves is None:
            return np.asarray(probabilities, dtype=np.float32)
        logits, found = find_logits(probabilities), np.full(len(probabilities), np.nan)
        for fold, curve in enumerate(self.curves):
            mine = folds == fold
            found[mine] = expit(bend_logits(logits[mine], curve))
        return found.astype(np.float32)


AS_THEY_ARE = Recalibration()


def recalibrate_if_better(scored: pd.DataFrame) -> Recalibration:
    """Learn curves where the responses ask for them, and keep them if they help.

    Whether, and of which family, is one choice for everybody; the curve of a fold knows nothing of
    the responses in it.

    Args:
        scored: Columns response (0/1), probability and fold, one row a labelled policyholder.
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
    """Return the simplest family of curves that is enough; None: as good as they are.

    A family is not enough if the likelihood-ratio test rejects it for the next one (Wilks 1938): if
    twice the fall in log loss is more than the further parameters bring by chance. Scores as they
    are lie in both families; beta curves only nearly in the splines.

    Args:
        response: 0 or 1, shape (n,).
        probability: Shape (n,).
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
