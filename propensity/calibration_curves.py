"""Curves that bend the log-odds of scores to what the responses say.

Fitted by logistic regression on features of the logit, made monotone, kept as points.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, logit

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""Logits before, increasing, and after, rising too: straight in between, shifted beyond."""
Family = Literal["beta", "spline"]
N_KNOTS = 8
N_FREE: dict[Family, int] = {"beta": 3, "spline": N_KNOTS + 1}
"""Parameters, the simplest family first."""
N_POINTS = 201
"""At which a curve is kept."""
LEAST_SLOPE = 1e-3
"""Of a curve: where it does not rise, whom to call first must not become a matter of chance."""
WEAK = 1e3
"""Of the penalty, inverse: it only keeps the fit from running off on scores that decide all."""
SMALLEST, LARGEST = 1e-12, 1 - 1e-7
"""Probabilities beyond count as these; float32 has none between the largest and 1."""


def fit_curve(response: NDArray[Any], probability: NDArray[Any], family: Family) -> Curve:
    """Fit a curve to responses.

    Args:
        response: 0 or 1, shape (n,).
        probability: Shape (n,).
        family: `beta`: a log p - b log(1 - p) + c (Kull et al. 2017, "Beta calibration");
            `spline`: quadratic in the logit, knots at its quantiles (Lucena 2018, "Spline-based
            probability calibration").
    """
    # a second: commands that only read know this module too
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, SplineTransformer

    logits = find_logits(probability)
    knots = np.unique(np.quantile(logits, np.linspace(0, 1, N_KNOTS)))
    if len(knots) == 1:  # all scores are alike
        return (float(knots[0]),), (float(logit(response.mean())),)
    if family == "beta":
        features = FunctionTransformer(lambda z: np.hstack([log_expit(z), -log_expit(-z)]))
    else:
        features = SplineTransformer(degree=2, knots=knots[:, None])
    model = make_pipeline(features, LogisticRegression(C=WEAK, solver="newton-cholesky"))
    share = model.fit(logits[:, None], response).predict_proba(logits[:, None])[:, 1]
    points = np.linspace(knots[0], knots[-1], N_POINTS)
    after = logit(IsotonicRegression().fit(logits, share).predict(points))
    after += LEAST_SLOPE * (points - np.median(logits))
    return tuple(points.tolist()), tuple(after.tolist())


def bend_logits(logits: NDArray[np.float64], curve: Curve) -> NDArray[np.float64]:
    """Return the logits after, shape (n,) as those before."""
    before, after = curve
    beyond = logits - np.clip(logits, before[0], before[-1])
    return np.asarray(np.interp(logits, before, after) + beyond)


def find_logits(probability: NDArray[Any]) -> NDArray[np.float64]:
    """Return finite log-odds, shape (n,)."""
    clipped = np.clip(probability.astype(np.float64), SMALLEST, LARGEST)
    return np.asarray(logit(clipped), dtype=np.float64)
