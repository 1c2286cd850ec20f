"""Quality of a member on its validation rows, which serve neither training nor evaluation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from propensity.metrics.classification import measure_f1
from propensity.metrics.threshold import choose_threshold


@dataclass(frozen=True)
class ValidationScore:
    """Quality on the validation rows.

    Args:
        f1: F1 at the best threshold of these rows; it depends on ranks alone, so class weights and
            resampling need no correction.
        validation_average_precision: Average precision on these rows.
        predicted: Whether each policyholder would be called, shape (n,).
    """

    f1: float
    validation_average_precision: float
    predicted: NDArray[np.bool_]


def score_validation(responses: NDArray[Any], logits: NDArray[np.float32]) -> ValidationScore:
    """Measure the quality of logits; both of shape (n,)."""
    predicted = logits >= choose_threshold(responses, logits)
    precision = float(average_precision_score(responses, logits))
    return ValidationScore(measure_f1(responses, predicted), precision, predicted)
