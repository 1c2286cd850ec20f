"""Evaluation of cross-fitted scores: every metric, with its interval if it has one."""

import numpy as np
import pandas as pd

from propensity.folds import N_FOLDS
from propensity.metrics.catalog import METRICS
from propensity.metrics.classification import measure_f1
from propensity.metrics.intervals import Interval, find_central_interval
from propensity.metrics.records import Baseline, Evaluation
from propensity.metrics.threshold import choose_thresholds, predict_responses


def evaluate_scores(scored: pd.DataFrame, *, seed: int, n_bootstrap: int) -> Evaluation:
    """Evaluate cross-fitted scores.

    Args:
        scored: Columns response (0/1), probability and fold, one row per labelled policyholder.
        seed: Seed of the bootstrap.
        n_bootstrap: Resamples of the policyholders for each interval.
    """
    response, probability, folds = (
        scored[name].to_numpy() for name in ("response", "probability", "fold")
    )
    thresholds = choose_thresholds(response, probability, folds, N_FOLDS)
    predicted = predict_responses(probability, folds, thresholds)
    metrics: dict[str, float] = {}
    intervals: dict[str, Interval] = {}
    rng = np.random.default_rng(seed)
    for metric in METRICS:
        judged = predicted if metric.judges == "decisions" else probability
        metrics[metric.name] = metric.measure(response, judged)
        if metric.resample:
            draws = metric.resample(rng, response, judged, n_bootstrap)
            intervals[metric.name] = find_central_interval(draws)
    return Evaluation(
        n_labelled=len(response),
        prevalence=float(response.mean()),
        thresholds=thresholds,
        mean_probability=float(probability.mean(dtype=np.float64)),
        metrics=metrics,
        intervals=intervals,
    )


def evaluate_baselines(scored: pd.DataFrame, rule_description: str) -> tuple[Baseline, Baseline]:
    """Evaluate two baselines: calling everyone, and the contract's rule (column follows_rule)."""
    response = scored["response"].to_numpy()
    everyone = measure_f1(response, np.ones_like(response))
    rule = measure_f1(response, scored["follows_rule"].to_numpy().astype(response.dtype))
    return Baseline("everyone positive", everyone), Baseline(rule_description, rule)
