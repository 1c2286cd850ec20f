"""Stage 8: the decision card and the pictures. Readers have tonight, whatever becomes of them."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.dataset import CuratedBook
from propensity.gate import Contest, Decision
from propensity.night import OpenNight, rejoin_warehouse
from propensity.reporting.decision import describe_decision, render_card
from propensity.reporting.night import draw_night, render_markdown, render_page
from propensity.reporting.night_facts import describe_night
from propensity.reporting.rendering import write_text
from propensity.scored import ScoredBook
from propensity.settings import Settings
from propensity.warehouse.last_night import find_last_night
from propensity.warehouse.suppressions import find_suppressed
from tasks.artifacts import create_markdown_artifact
from tasks.line import StageLine


@task(task_run_name="present", cache_policy=NO_CACHE)
def present(
    night: OpenNight, book: CuratedBook, contest: Contest, decision: Decision, scores: ScoredBook
) -> Path:
    """Show the published night: the decision card, an HTML page and the page as an artifact."""
    line, warehouse = StageLine(), rejoin_warehouse()
    last_night = find_last_night(warehouse, night.config.as_of)
    suppressed = find_suppressed(warehouse)
    report = describe_night(night, book, contest, decision, scores, suppressed, last_night)
    n_calls = Settings().call_capacity
    card = describe_decision(night, report, suppressed, warehouse, n_calls)
    create_markdown_artifact(render_card(card), "decision", f"Model card: {card.model_card}")
    pictures = draw_night(report)
    page = write_text(render_page(report, pictures), night.workspace.night_page(night.run.run_name))
    create_markdown_artifact(render_markdown(report, pictures), "night", f"Page: {page}")
    line.end("the night in %s pictures: %s", len(pictures), page)
    return page
