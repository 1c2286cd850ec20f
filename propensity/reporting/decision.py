"""The decision card: what an operator has to know of a night, on one screen."""

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
    """Everything the template says.

    Args:
        report: The facts of the night.
        n_calls: How many can be called.
        change: Who is new among so many best; None: this is the first night, or the scores of last
            night are no longer stored.
        last: What became of last night; None: this is the first.
        page: The night in pictures.
        model_card: Of the candidate.
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
    """Collect what the card says of a published night.

    Args:
        night: Which run.
        report: Its facts.
        warehouse: Where tonight and last night are stored.

    Raises:
        WarehouseError: The database does not answer.
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
        card: What it says.
        shown: Artifacts that it links to: `night` and `model_card`.
    """
    template = templates.get_template("decision.md.j2")
    return template.render(card=card, r=card.report, shown=shown or {})


def render_refusal(contest: Contest, decision: Decision) -> str:
    """Render what there is to say of a night that no model may score."""
    head = templates.get_template("decision_head.md.j2")
    return head.render(contest=contest, decision=decision)
