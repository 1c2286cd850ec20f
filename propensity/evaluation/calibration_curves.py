"""Monotone curves that map the log-odds of scores to those of the observed responses.

Each is a logistic regression on features of the logit, made monotone and stored as points.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, logit

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""Logits before and after, both increasing: linear between points, shifted outside."""
Family = Literal["beta", "spline"]
N_KNOTS = 8
N_FREE: dict[Family, int] = {"beta": 3, "spline": N_KNOTS + 1}
"""Number of parameters, the simplest family first."""
N_BINS = 2_000
"""Bins of equally many scores for fitting: as accurate as all scores, but fast."""
NEXT_TO_NONE = 1e-6
N_POINTS = 201
"""Number of points that a curve is stored as."""
LEAST_SLOPE = 1e-3
"""Smallest slope of a curve: on a flat part the order of calls would be arbitrary."""
WEAK = 1e3
"""Inverse strength of the penalty, which only keeps fits on separable scores finite."""
SMALLEST, LARGEST = 1e-12, 1 - 1e-7
"""Probabilities are clipped to this range; float32 has no value between the largest and 1."""
AS_IT_IS: Curve = ((0.0,), (0.0,))


def fit_curve(response: NDArray[Any], probability: NDArray[Any], family: Family) -> Curve:
    """Fit a curve to responses.

    Args:
        response: Responses, 0 or 1, shape (n,).
        probability: Probabilities, shape (n,).
        family: `beta`: a log p - b log(1 - p) + c (Kull et al. 2017, "Beta calibration");
            `spline`: quadratic in the logit, knots at its quantiles (Lucena 2018, "Spline-based
            probability calibration").

    Returns:
        The curve; the identity if all responses are equal, because nothing can be learnt.
    """
    # Importing scikit-learn takes a second, and read-only commands import this module too.
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import FunctionTransformer, SplineTransformer

    if response.min() == response.max():
        return AS_IT_IS
    logits, n_rows, n_ones = _sum_bins(find_logits(probability), response)
    knots = np.unique(np.quantile(logits, np.linspace(0, 1, N_KNOTS)))
    if len(knots) == 1:  # all scores are equal
        return (float(knots[0]),), (float(logit(response.mean())),)
    if family == "beta":
        features = FunctionTransformer(lambda z: np.hstack([log_expit(z), -log_expit(-z)]))
    else:
        features = SplineTransformer(degree=2, knots=knots[:, None])
    x = features.fit_transform(logits[:, None])
    y, weights = np.repeat([0, 1], len(x)), np.append(n_rows - n_ones, n_ones)
    model = LogisticRegression(C=WEAK, solver="newton-cholesky")
    share = model.fit(np.tile(x, (2, 1)), y, weights).predict_proba(x)[:, 1]
    monotone = IsotonicRegression().fit(logits, share, n_rows)
    points = np.linspace(knots[0], knots[-1], N_POINTS)
    after = find_logits(monotone.predict(points))
    after += LEAST_SLOPE * (points - np.median(logits))
    return tuple(points.tolist()), tuple(after.tolist())


def _sum_bins(
    logits: NDArray[np.float64], response: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return median logit, rows and ones of each bin, in order, with almost empty end bins."""
    order = np.argsort(logits)
    # by rows, not cut_bands: equal scores may be split, so that all bins weigh the same
    ends = np.linspace(0, len(order), min(N_BINS, len(order)) + 1).astype(int)
    places = np.concatenate([[0], (ends[1:] + ends[:-1]) // 2, [-1]])
    n_ones = np.add.reduceat(response[order].astype(np.float64), ends[:-1])
    return logits[order[places]], np.pad(np.diff(ends), 1) + NEXT_TO_NONE, np.pad(n_ones, 1)


def bend_logits(logits: NDArray[np.float64], curve: Curve) -> NDArray[np.float64]:
    """Return the logits after applying the curve, shape (n,)."""
    before, after = curve
    beyond = logits - np.clip(logits, before[0], before[-1])
    return np.asarray(np.interp(logits, before, after) + beyond)


def find_logits(probability: NDArray[Any]) -> NDArray[np.float64]:
    """Return finite log-odds, shape (n,)."""
    clipped = np.clip(probability.astype(np.float64), SMALLEST, LARGEST)
    return np.asarray(logit(clipped), dtype=np.float64)
