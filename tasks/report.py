"""Stage 2: report how imbalanced the book is."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.ingest.book import CuratedBook
from propensity.reporting.class_balance import render_markdown, write_page
from propensity.runtime.book_facts import describe_book
from propensity.runtime.night import OpenNight
from tasks.artifacts import create_markdown_artifact
from tasks.line import StageLine


@task(task_run_name="report", cache_policy=NO_CACHE)
def report(night: OpenNight, book: CuratedBook) -> Path:
    """Report the class balance as a Prefect artifact and as an HTML page."""
    line = StageLine()
    facts = describe_book(book, night.contract, night.run.run_name, night.config.as_of)
    page = write_page(facts, night.workspace.reports(night.run.run_name))
    create_markdown_artifact(render_markdown(facts), "class-balance", description=f"Page: {page}")
    balance = facts.balance
    line.end(
        "%s of %s said yes: prevalence %.2f %%, %.2f zeros for each one, no-skill F1 %.4f",
        f"{balance.n_positive:,}",
        f"{balance.n_labelled:,}",
        100 * balance.prevalence,
        balance.imbalance_ratio,
        balance.no_skill_f1,
    )
    return page
