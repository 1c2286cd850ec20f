"""Every quality metric, declared once for evaluation, SQL, tables, pages and terminal."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.binning import N_RELIABILITY_BINS
from propensity.metrics.calibration_error import measure_calibration_error
from propensity.metrics.classification import measure_f1, resample_average_precision, resample_f1
from propensity.metrics.intervals import Interval

Measure = Callable[[NDArray[Any], NDArray[Any]], float]
Resample = Callable[[np.random.Generator, NDArray[Any], NDArray[Any], int], NDArray[np.float64]]
Place = Literal["model_versions", "scoring_runs", "night", "terminal", "comparison"]


@dataclass(frozen=True)
class Metric:
    """A quality metric of scores: a number without a unit.

    Args:
        name: Key in an evaluation, and name of its column in a comparison.
        label: Display name.
        meaning: Short description, also the comment of its SQL column.
        measure: Function of the responses, 0 or 1, and of what the metric judges, both of shape
            (n,).
        judges: What it is computed from: decisions, 0 or 1; ranks of probabilities; or their
            values.
        places: Where it is stored or shown, in addition to the tables that show every metric
            (contest, model card, page of a comparison).
        resample: Function that draws the metric of resampled policyholders for its interval; it
            takes a random generator, the arguments of `measure` and the number of draws. None: no
            interval.
        higher_is_better: Whether higher values are better.
        format: Format string of a value or an end of its interval.
        columns: SQL columns of the value and of both ends of its interval; default: the name.
    """

    name: str
    label: str
    meaning: str
    measure: Measure
    judges: Literal["decisions", "ranks", "probabilities"]
    places: tuple[Place, ...] = ()
    resample: Resample | None = None
    higher_is_better: bool = True
    format: str = "{:.4f}"
    columns: tuple[str, ...] = ()

    @property
    def column_meanings(self) -> dict[str, str]:
        """Its columns in SQL and their comments."""
        ends = ("lower end of its 95 % interval", "upper end of its 95 % interval")
        return dict(zip(self.columns or (self.name,), (self.meaning, *ends), strict=False))

    @property
    def raw_name(self) -> str | None:
        """Column of a comparison for raw probabilities; None if only decisions or ranks matter."""
        return f"{self.name}_before" if self.judges == "probabilities" else None

    def write(self, number: float | Interval) -> str:
        """Format a value or an interval."""
        return self.format.format(number)


def use_sklearn(name: str, **options: float) -> Measure:
    """Return a function of sklearn.metrics, imported on its first call: that takes a second."""

    def measure(responses: NDArray[Any], judged: NDArray[Any]) -> float:
        function = getattr(import_module("sklearn.metrics"), name)
        return float(function(responses, judged, **options))

    return measure


F1 = Metric(
    "f1", "F1", "cross-fitted F1 at the decision thresholds", measure_f1, "decisions",
    ("model_versions", "scoring_runs", "night", "terminal"), resample_f1,
    columns=("f1_score", "f1_low", "f1_high"),
)  # fmt: skip
PRECISION = Metric(
    "precision", "precision", "share of the predicted buyers that said yes",
    use_sklearn("precision_score", zero_division=0.0), "decisions", ("scoring_runs",),
)  # fmt: skip
RECALL = Metric(
    "recall", "recall", "share of the buyers that were predicted",
    use_sklearn("recall_score"), "decisions", ("scoring_runs",),
)  # fmt: skip
AVERAGE_PRECISION = Metric(
    "average_precision", "average precision", "area under the precision-recall curve",
    use_sklearn("average_precision_score"), "ranks",
    ("model_versions", "scoring_runs", "night", "terminal"), resample_average_precision,
)  # fmt: skip
ROC_AUC = Metric(
    "roc_auc", "ROC AUC", "chance that a buyer is scored above a non-buyer",
    use_sklearn("roc_auc_score"), "ranks", ("model_versions", "scoring_runs", "night", "terminal"),
)  # fmt: skip
BRIER = Metric(
    "brier", "Brier", "mean squared error of the probability",
    use_sklearn("brier_score_loss"), "probabilities", ("model_versions", "scoring_runs", "night"),
    higher_is_better=False,
)  # fmt: skip
CALIBRATION_ERROR = Metric(
    "calibration_error", "calibration error",
    f"mean gap between predicted and actual share, {N_RELIABILITY_BINS} bins of equal size",
    measure_calibration_error, "probabilities",
    ("model_versions", "scoring_runs", "night", "terminal", "comparison"), higher_is_better=False,
)  # fmt: skip
METRICS = (F1, PRECISION, RECALL, AVERAGE_PRECISION, ROC_AUC, BRIER, CALIBRATION_ERROR)
"""In the order of columns; F1, which baselines have too, comes first. Intervals share one stream of
random numbers, so append a new metric that has one: earlier it would change those after it."""


def find_metrics(place: Place) -> tuple[Metric, ...]:
    """Return the metrics that are stored or shown in a place."""
    return tuple(metric for metric in METRICS if place in metric.places)
