"""After publishing: the decision card and the pages; failing to draw them costs no night."""

from pathlib import Path
from uuid import UUID

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.reporting.decision_card import describe_decision, render_card
from propensity.reporting.night import draw_night, render_markdown, render_page
from propensity.reporting.rendering import write_text
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from tasks.artifacts import create_markdown_artifact
from tasks.line import StageLine


@task(task_run_name="present", cache_policy=NO_CACHE)
def present(night: OpenNight, facts: NightFacts) -> Path:
    """Show the published night: the decision card, an HTML page and the page as an artifact."""
    line = StageLine()
    card = describe_decision(night, facts, night.rejoin())
    shown: dict[str, UUID | None] = {}
    try:
        text = card.model_card.read_text(encoding="utf-8")
        shown["model_card"] = create_markdown_artifact(text, "model-card")
        pictures = draw_night(facts)
        write_text(render_page(facts, pictures), card.page)
        text = render_markdown(facts, pictures)
        shown["night"] = create_markdown_artifact(text, "night", f"Page: {card.page}")
    finally:  # if a picture cannot be drawn, the card is shown without a link
        said = f"Model card: {card.model_card}"
        text = render_card(card, shown)
        write_text(text, night.workspace.decision_card(night.run.run_name))
        create_markdown_artifact(text, "decision", said)
    line.end("the night in %s pictures: %s", len(pictures), card.page)
    return card.page


@task(task_run_name="present", cache_policy=NO_CACHE)
def present_again(night: OpenNight) -> None:
    """Show the card of a night whose first attempt was cut off after publishing."""
    line, card = StageLine(), night.workspace.decision_card(night.run.run_name)
    if not card.exists():
        line.log.warning("Published; the run ended before its card was drawn: see %s", card.parent)
        return
    create_markdown_artifact(card.read_text(encoding="utf-8"), "decision")
    line.end("the decision card of the published night: %s", card)
