"""Stage 8: the night as pictures. It comes last: readers have tonight, whatever becomes of them."""

from pathlib import Path

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from propensity.dataset import CuratedBook
from propensity.gate import Contest, Decision
from propensity.night import OpenNight, reach_warehouse
from propensity.reporting.night import draw_night, render_markdown, render_page
from propensity.reporting.night_facts import describe_night
from propensity.reporting.rendering import write_text
from propensity.scored import ScoredBook
from propensity.warehouse.last_night import find_last_night
from propensity.warehouse.suppressions import find_suppressed


@task(task_run_name="present", cache_policy=NO_CACHE)
def present(
    night: OpenNight, book: CuratedBook, contest: Contest, decision: Decision, scores: ScoredBook
) -> Path:
    """Show the published night as an HTML page and as a Prefect artifact."""
    warehouse = reach_warehouse()
    last_night = find_last_night(warehouse, night.config.as_of)
    suppressed = find_suppressed(warehouse)
    report = describe_night(night, book, contest, decision, scores, suppressed, last_night)
    pictures = draw_night(report)
    page = write_text(render_page(report, pictures), night.workspace.night_page(night.run.run_name))
    create_markdown_artifact(render_markdown(report, pictures), "night", f"Page: {page}")
    get_run_logger().info("The night as pictures: %s", page)
    return page
