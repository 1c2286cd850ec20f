"""Evaluate the arms of a comparison on the same policyholders, and draw a conclusion."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.comparison.records import ComparedArm, Comparison
from propensity.comparison.training import ScoredArm
from propensity.evaluation.recalibration import recalibrate_if_better
from propensity.ingest.book import CuratedBook, follow_rule, read_labelled
from propensity.ingest.contract import Contract
from propensity.metrics.catalog import METRICS
from propensity.metrics.classification import compare_f1, measure_f1, measure_f1_interval
from propensity.metrics.evaluation import evaluate_scores
from propensity.metrics.threshold import predict_responses
from propensity.settings import STRATEGIES, NightlyConfig

REFERENCE = "none"
HALF = 0.5


@dataclass(frozen=True)
class JudgedArm:
    """An arm's figures and its predicted responses, 0 or 1, shape (n,)."""

    figures: ComparedArm
    predicted: NDArray[np.int8]


def judge_arm(arm: ScoredArm, config: NightlyConfig) -> JudgedArm:
    """Evaluate the scores of an arm as a night evaluates its candidate.

    Args:
        arm: Cross-fitted scores of the labelled policyholders.
        config: Seed and resamples of the bootstrap.
    """
    scores = arm.read()
    response, fold = scores["response"].to_numpy(), scores["fold"].to_numpy()
    raw = scores["raw_probability"].to_numpy()
    recalibration = recalibrate_if_better(scores)
    probability = recalibration.apply(scores["probability"].to_numpy(), fold)
    scored = scores.assign(probability=probability)
    quality = evaluate_scores(scored, seed=config.seed, n_bootstrap=config.n_bootstrap)
    predicted = predict_responses(probability, fold, quality.thresholds)
    decided = judge_decisions(arm.name, response, predicted, seed=config.seed)
    figures = replace(
        decided.figures,
        f1_at_half=measure_f1(response, raw >= HALF),
        metrics={metric.name: quality[metric] for metric in METRICS[1:]}
        | {m.raw_name: m.measure(response, raw) for m in METRICS if m.raw_name},
        fit_seconds=arm.fit_seconds,
        n_training_rows=arm.n_training_rows,
    )
    return JudgedArm(figures, predicted)


def judge_decisions(
    name: str, response: NDArray[Any], predicted: NDArray[np.int8], *, seed: int
) -> JudgedArm:
    """Evaluate decisions only, for a rule without probabilities.

    Args:
        name: Name of the arm.
        response: 0 or 1, shape (n,).
        predicted: Predicted responses, 0 or 1, shape (n,).
        seed: Seed of the bootstrap.
    """
    interval = measure_f1_interval(response, predicted, seed=seed)
    figures = ComparedArm(
        name,
        measure_f1(response, predicted),
        interval.low,
        interval.high,
        {m.name: m.measure(response, predicted) for m in METRICS[1:] if m.judges == "decisions"},
    )
    return JudgedArm(figures, predicted)


def compare_arms(
    arms: list[JudgedArm], response: NDArray[Any], as_of: dt.date, seed: int
) -> Comparison:
    """Compare every arm with the reference on the same policyholders.

    Args:
        arms: Arms evaluated on the same rows in the same order; one is named REFERENCE.
        response: Responses of these rows, 0 or 1, shape (n,).
        as_of: Date of the book.
        seed: Seed of the paired bootstrap.
    """
    reference = next(arm for arm in arms if arm.figures.name == REFERENCE)
    compared = tuple(_set_against(arm, reference, response, seed) for arm in arms)
    prevalence = float(response.mean())
    return Comparison(as_of, len(response), prevalence, compared, conclude(compared))


def _set_against(
    arm: JudgedArm, reference: JudgedArm, response: NDArray[Any], seed: int
) -> ComparedArm:
    if arm is reference:
        return arm.figures
    interval = compare_f1(response, arm.predicted, reference.predicted, seed=seed)
    difference = arm.figures.f1 - reference.figures.f1
    return replace(
        arm.figures,
        difference=difference,
        difference_low=interval.low,
        difference_high=interval.high,
    )


def conclude(arms: tuple[ComparedArm, ...]) -> str:
    """State in one sentence which strategies differ from the reference, by their intervals."""
    strategies = [arm for arm in arms if arm.name in STRATEGIES and arm.difference is not None]
    groups = {
        "better than": [a for a in strategies if (a.difference_low or 0) > 0],
        "worse than": [a for a in strategies if (a.difference_high or 0) < 0],
    }
    clear = [a for group in groups.values() for a in group]
    groups["not clearly different from"] = [a for a in strategies if a not in clear]
    told = [f"{_list(group)} {how} {REFERENCE}" for how, group in groups.items() if group]
    found = "; ".join(told) or f"nothing was compared with {REFERENCE}"
    return f"By F1 at thresholds chosen on other folds: {found}."


def _list(arms: list[ComparedArm]) -> str:
    return ", ".join(_tell(arm) for arm in arms)


def _tell(arm: ComparedArm) -> str:
    ends = f"{arm.difference_low:+.4f} to {arm.difference_high:+.4f}"
    return f"{arm.name} ({arm.difference:+.4f}, {ends})"


def compare(
    scored: list[ScoredArm], book: CuratedBook, contract: Contract, config: NightlyConfig
) -> Comparison:
    """Evaluate arms and baselines without a model, and compare them with the reference.

    Args:
        scored: The arms, including the reference.
        book: Book that they scored.
        contract: Contract that declares the baseline rule.
        config: Date, seed and resamples of the bootstrap.
    """
    rows = read_labelled(book)
    response = rows["response"].to_numpy().astype(np.int8)
    rules = {
        "everyone positive": np.ones_like(response),
        contract.rule.description: follow_rule(rows, contract).astype(np.int8),
    }
    arms = [judge_arm(arm, config) for arm in scored]
    for name, predicted in rules.items():
        arms.append(judge_decisions(name, response, predicted, seed=config.seed))
    return compare_arms(arms, response, config.as_of, config.seed)
