"""Stage 5: decide whether tonight's model replaces the champion."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.evaluation.gate import decide
from propensity.evaluation.records import Contest, Decision
from propensity.events import ModelNotPromoted
from propensity.reporting.decision_card import render_refusal
from propensity.reporting.model_card import ModelCard, write_card
from propensity.runtime.night import OpenNight
from propensity.warehouse.model_registry import record_decision
from propensity.warehouse.promotions import read_history
from tasks.artifacts import create_markdown_artifact
from tasks.emitting import emit
from tasks.line import StageLine


@task(task_run_name="promote", cache_policy=NO_CACHE)
def promote(night: OpenNight, contest: Contest) -> Decision:
    """Decide, append the decision with its reason to the history, and write the model card."""
    line = StageLine()
    decision = decide(contest, night.config.promotion_margin, night.config.slice_tolerance)
    engine, candidate = night.rejoin(), contest.candidate
    record_decision(engine, night.run, candidate, decision, against=contest.champion_name)
    card = write_card(ModelCard(night, contest, decision, read_history(engine)))
    if decision.serving is None:  # The night ends here; otherwise publishing creates the card.
        text = render_refusal(contest, decision)
        create_markdown_artifact(text, "decision", description=f"Model card: {card}")
    if decision.outcome != "promoted":
        lost = night.config.as_of, night.version_name, decision.outcome, decision.reason
        emit(ModelNotPromoted(*lost))
    line.end("%s: %s (%s)", decision.outcome, decision.reason.removesuffix("."), card)
    return decision
