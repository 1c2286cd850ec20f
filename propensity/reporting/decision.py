"""The decision card: what an operator has to know about a night, on one screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

from propensity.evaluation.records import Contest, Decision
from propensity.reporting.card import find_card
from propensity.reporting.rendering import templates
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from propensity.warehouse.call_list import CallListChange, compare_call_lists
from propensity.warehouse.queries import RunSummary, summarize_run


@dataclass(frozen=True, eq=False)
class DecisionCard:
    """The facts of a decision card.

    Args:
        report: The facts of the night.
        n_calls: Number of calls that can be made.
        change: Changes among the n_calls best leads; None for the first night, or if the scores of
            last night are no longer stored.
        last: Summary of last night; None for the first night.
        page: Path of the night's page.
        model_card: Path of the candidate's model card.
    """

    report: NightFacts
    n_calls: int
    change: CallListChange | None
    last: RunSummary | None
    page: Path
    model_card: Path


def describe_decision(
    night: OpenNight,
    report: NightFacts,
    warehouse: Engine,
) -> DecisionCard:
    """Collect the facts of a published night's card.

    Args:
        night: The run.
        report: Its facts.
        warehouse: Database that stores tonight's and last night's scores.

    Raises:
        WarehouseError: The database does not respond.
    """
    last, run, n_calls = report.last_night, night.run, night.settings.call_capacity
    now = (run.run_id, night.config.as_of)
    return DecisionCard(
        report=report,
        n_calls=n_calls,
        change=compare_call_lists(warehouse, (last.run_id, last.as_of), now, n_calls)
        if last
        else None,
        last=summarize_run(warehouse, last.run_id) if last else None,
        page=night.workspace.night_page(run.run_name),
        model_card=find_card(report.contest.candidate.version.folder),
    )


def render_card(card: DecisionCard, shown: Mapping[str, UUID | None] | None = None) -> str:
    """Render Markdown, a few kB.

    Args:
        card: The facts.
        shown: Ids of the artifacts to link to, by name: `night` and `model_card`.
    """
    template = templates.get_template("decision.md.j2")
    return template.render(card=card, r=card.report, shown=shown or {})


def render_refusal(contest: Contest, decision: Decision) -> str:
    """Render the decision of a night that no model may score."""
    head = templates.get_template("decision_head.md.j2")
    return head.render(contest=contest, decision=decision)
