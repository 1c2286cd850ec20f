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
from scipy.special import expit, logit

from propensity.folds import N_FOLDS

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""Logits before, increasing, and after, rising too: straight in between, shifted beyond."""
N_KNOTS = 8
N_POINTS = 201
"""At which a curve is kept."""
LEAST_SLOPE = 1e-3
"""Of a curve: where it does not rise, whom to call first must not become a matter of chance."""
WEAK = 1e3
"""Of the penalty, inverse: it only keeps the fit from running off on scores that decide all."""
NO_GAIN = 1.959964
"""Standard errors by which the log loss must fall."""
SMALLEST, LARGEST = 1e-12, 1 - 1e-7
"""Probabilities beyond count as these; float32 has none between the largest and 1."""


@dataclass(frozen=True)
class Recalibration:
    """One curve for each fold, learnt on the other folds; None: as good as they are."""

    curves: tuple[Curve, ...] | None = None

    def apply(self, probabilities: NDArray[Any], folds: NDArray[Any]) -> NDArray[np.float32]:
        """Recalibrate each row by the curve of its fold, shape (n,)."""
        if self.curves is None:
            return np.asarray(probabilities, dtype=np.float32)
        logits, found = _find_logits(probabilities), np.empty(len(probabilities))
        for fold, (before, after) in enumerate(self.curves):
            mine = logits[folds == fold]
            beyond = mine - np.clip(mine, before[0], before[-1])
            found[folds == fold] = expit(np.interp(mine, before, after) + beyond)
        return found.astype(np.float32)


AS_THEY_ARE = Recalibration()


def recalibrate_if_better(scored: pd.DataFrame) -> Recalibration:
    """Learn a curve a fold on the others; keep them if they clearly lower the log loss.

    Logistic regression on a quadratic spline of the logit (Lucena 2018, "Spline-based probability
    calibration"), made monotone. It is kept if the paired 95 % interval of the fall in log loss,
    over all policyholders, lies above 0.

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
    """Fit the spline, its knots at quantiles, and keep it as points that always rise."""
    # a second: commands that only read know this module too
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    logits = _find_logits(probability)
    knots = np.unique(np.quantile(logits, np.linspace(0, 1, N_KNOTS)))
    if len(knots) == 1:  # all scores are alike
        return (float(knots[0]),), (float(logit(response.mean())),)
    basis = SplineTransformer(degree=2, knots=knots[:, None])
    spline = make_pipeline(basis, LogisticRegression(C=WEAK, solver="newton-cholesky"))
    share = spline.fit(logits[:, None], response).predict_proba(logits[:, None])[:, 1]
    points = np.linspace(knots[0], knots[-1], N_POINTS)
    after = logit(IsotonicRegression().fit(logits, share).predict(points))
    after += LEAST_SLOPE * (points - np.median(logits))
    return tuple(points.tolist()), tuple(after.tolist())


def _find_logits(probability: NDArray[Any]) -> NDArray[np.float64]:
    clipped = np.clip(probability.astype(np.float64), SMALLEST, LARGEST)
    return np.asarray(logit(clipped), dtype=np.float64)


def _measure_log_loss(response: NDArray[Any], probability: NDArray[Any]) -> NDArray[np.float64]:
    return np.logaddexp(0, np.where(response == 1, -1, 1) * _find_logits(probability))
