"""What the article's four ways are worth: each judged, and against the rows as they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from article_arms import WAYS, Scores, cross_fit
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from propensity.metrics.calibration_error import measure_calibration_error
from propensity.metrics.classification import compare_f1, measure_f1
from propensity.metrics.evaluation import evaluate_scores
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Evaluation
from propensity.metrics.threshold import predict_responses

FIRST = next(iter(WAYS))
N_RESAMPLES = 100


@dataclass(frozen=True)
class Difference:
    """Of a way from the network trained on the rows as they are, same policyholders."""

    value: float
    interval: Interval

    @property
    def is_clear(self) -> bool:
        """Whether the 95 % interval leaves zero out."""
        return not self.interval.low <= 0 <= self.interval.high


@dataclass(frozen=True)
class Arm:
    """One way, judged on cross-fitted scores.

    Args:
        name: Of the way.
        scores: What it gave.
        f1_at_half: F1 when everyone with a raw score of at least 0.5 is called.
        f1_at_half_interval: 95 %.
        accuracy_at_half: Share of the policyholders told right at that threshold.
        calibration_error_before: Of the raw scores.
        mean_before: Mean of the raw scores: should equal the prevalence.
        evaluation: After prior correction, thresholds chosen on the other folds.
        f1_at_half_difference: From the first way, as all differences.
        f1_difference: At the chosen thresholds.
        roc_auc_difference: Paired bootstrap.
    """

    name: str
    scores: Scores
    f1_at_half: float
    f1_at_half_interval: Interval
    accuracy_at_half: float
    calibration_error_before: float
    mean_before: float
    evaluation: Evaluation
    f1_at_half_difference: Difference
    f1_difference: Difference
    roc_auc_difference: Difference

    @property
    def threshold(self) -> float:
        """Mean over the folds of the threshold on the corrected scores."""
        return sum(self.evaluation.thresholds) / len(self.evaluation.thresholds)


def compare_arms(rows: pa.Table, seed: int = 0) -> tuple[Arm, ...]:
    """Train every way on every fold and judge it.

    Args:
        rows: Labelled policyholders with fold and features.
        seed: Of sampling and initial weights.
    """
    scores = cross_fit(rows, seed)
    return judge_arms(rows["response"].to_numpy(), rows["fold"].to_numpy(), scores)


def judge_arms(
    responses: NDArray[Any], folds: NDArray[Any], scores: dict[str, Scores]
) -> tuple[Arm, ...]:
    """Judge the scores of all ways on the same policyholders."""
    areas = _resample_areas(responses, scores)
    evaluations = {name: _evaluate(responses, folds, s) for name, s in scores.items()}
    at_half = {name: np.asarray(s.raw >= 0.5, np.int8) for name, s in scores.items()}  # noqa: PLR2004
    called = {
        name: predict_responses(s.corrected, folds, evaluations[name].thresholds)
        for name, s in scores.items()
    }

    def judge(name: str, given: Scores) -> Arm:
        evaluation, calls = evaluations[name], at_half[name]
        return Arm(
            name,
            given,
            measure_f1(responses, calls),
            # calling nobody has F1 0: this difference is the F1 itself
            compare_f1(responses, calls, np.zeros_like(calls), seed=0),
            float((calls == responses).mean()),
            measure_calibration_error(responses, given.raw),
            float(given.raw.mean(dtype=np.float64)),
            evaluation,
            _differ(responses, calls, at_half[FIRST]),
            _differ(responses, called[name], called[FIRST]),
            Difference(
                evaluation.metrics["roc_auc"] - evaluations[FIRST].metrics["roc_auc"],
                _as_interval(areas[name] - areas[FIRST]),
            ),
        )

    return tuple(judge(name, given) for name, given in scores.items())


def _evaluate(responses: NDArray[Any], folds: NDArray[Any], scores: Scores) -> Evaluation:
    columns = {"response": responses, "fold": folds, "probability": scores.corrected}
    return evaluate_scores(pd.DataFrame(columns), seed=0, n_bootstrap=20)


def _differ(responses: NDArray[Any], ours: NDArray[Any], first: NDArray[Any]) -> Difference:
    value = measure_f1(responses, ours) - measure_f1(responses, first)
    return Difference(value, compare_f1(responses, ours, first, seed=0))


def _resample_areas(
    responses: NDArray[Any], scores: dict[str, Scores]
) -> dict[str, NDArray[np.float64]]:
    """ROC AUC of every way on the same draws of policyholders, shape (N_RESAMPLES,) each."""
    rng = np.random.default_rng(0)
    draws = [rng.poisson(1.0, len(responses)) for _ in range(N_RESAMPLES)]
    return {
        name: np.array([roc_auc_score(responses, s.raw, sample_weight=w) for w in draws])
        for name, s in scores.items()
    }


def _as_interval(drawn: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(low), float(high))
