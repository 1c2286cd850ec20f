"""Declares a metric before anything else is imported; writes where it turns up as JSON.

A script, because tables and formats are made of the catalog when their modules are imported.
"""

import dataclasses
import datetime as dt
import json
import sys
from pathlib import Path

from propensity.metrics import catalog

LOG_LOSS = catalog.Metric(
    "log_loss", "log loss", "mean negative log-likelihood", catalog.use_sklearn("log_loss"),
    "probabilities", ("model_versions", "scoring_runs", "night", "terminal", "comparison"),
    higher_is_better=False, format="{:.3f}",
)  # fmt: skip
catalog.METRICS = (*catalog.METRICS, LOG_LOSS)


def find_everywhere(folder: Path) -> dict[str, object]:
    from flows.cli.terminal import formats
    from propensity.comparison.judgement import judge_arm
    from propensity.comparison.records import Comparison
    from propensity.comparison.training import ScoredArm
    from propensity.metrics.evaluation import evaluate_scores
    from propensity.reporting import comparison
    from propensity.reporting.contest import tabulate_contest
    from propensity.reporting.model_card import render_markdown, render_page
    from propensity.settings import NightlyConfig
    from propensity.warehouse.model_registry import describe_quality
    from propensity.warehouse.queries import MODELS
    from propensity.warehouse.schema.tables import metadata
    from tests.propensity.metrics.test_classification import make_scored
    from tests.propensity.reporting.test_model_card import make_card

    scored = make_scored(0.7, n_rows=2000)
    evaluation = evaluate_scores(scored, seed=0, n_bootstrap=20)
    card = make_card(folder, champion=False)
    contender = dataclasses.replace(card.candidate, evaluation=evaluation)
    contest = dataclasses.replace(card.contest, candidate=contender)
    card = dataclasses.replace(card, contest=contest)

    raw = scored.assign(raw_probability=scored["probability"] / 2)
    raw.to_parquet(folder / "none.parquet")
    arm = judge_arm(ScoredArm("none", folder / "none.parquet", 1.0, 2000), NightlyConfig()).figures
    arms = Comparison(dt.date(2026, 11, 1), 2000, 0.1, (arm,), "One arm.")
    return {
        "evaluation": evaluation.metrics["log_loss"],
        "contest": tabulate_contest(contest)[0],
        "card": render_markdown(card),
        "card page": render_page(card),
        "terminal": formats["log_loss"],
        "tables": [name for name, t in metadata.tables.items() if "log_loss" in t.columns],
        "row": describe_quality(evaluation, "scoring_runs"),
        "models": str(MODELS),
        "comparison": [arm.metrics["log_loss_before"], arm.metrics["log_loss"]],
        "comparison page": comparison.render_markdown(arms),
        "comparison file": Comparison.load(arms.save(folder)) == arms,
    }


if __name__ == "__main__":
    json.dump(find_everywhere(Path(sys.argv[1])), sys.stdout)
