"""The steps of a comparison: read the book, measure each arm, conclude."""

import shutil

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.comparison.judgement import compare
from propensity.comparison.records import Comparison, OpenComparison
from propensity.comparison.training import ScoredArm, run_logistic_arm, run_strategy_arm
from propensity.ingest.book import CuratedBook
from propensity.ingest.curation import ingest_files
from propensity.reporting.comparison import render_markdown, write_page
from propensity.settings import StrategyName
from tasks.artifacts import create_markdown_artifact
from tasks.line import StageLine
from tasks.progress import show_progress


@task(task_run_name="ingest", cache_policy=NO_CACHE)
def read_book(place: OpenComparison) -> CuratedBook:
    """Check every row against the contract, as a night does."""
    line = StageLine()
    with show_progress("ingest") as on_progress:
        book = ingest_files(
            list(place.files),
            place.contract,
            place.curated,
            tolerated_rejected_share=place.config.tolerated_rejected_share,
            on_progress=on_progress,
        )
    line.end("%s policyholders, %s rows rejected", f"{book.n_rows:,}", f"{book.n_rejected:,}")
    return book


@task(task_run_name="strategy-{strategy}", cache_policy=NO_CACHE)
def measure_strategy(place: OpenComparison, book: CuratedBook, strategy: StrategyName) -> ScoredArm:
    """Train the members of one strategy and score all labelled policyholders."""
    line = StageLine()
    with show_progress(strategy) as on_progress:
        arm = run_strategy_arm(
            book, strategy, place.contract, place.config, place.arms, on_progress
        )
    line.end("five members on %s rows", f"{arm.n_training_rows:,}")
    return arm


@task(task_run_name="logistic-regression", cache_policy=NO_CACHE)
def measure_logistic(place: OpenComparison, book: CuratedBook) -> ScoredArm:
    """Fit the baseline without interactions."""
    line = StageLine()
    with show_progress("logistic regression") as on_progress:
        arm = run_logistic_arm(book, place.contract, place.config, place.arms, on_progress)
    line.end("five fits on %s rows", f"{arm.n_training_rows:,}")
    return arm


@task(task_run_name="conclude", cache_policy=NO_CACHE)
def conclude(place: OpenComparison, book: CuratedBook, arms: list[ScoredArm]) -> Comparison:
    """Compare all arms on the same policyholders; write Parquet, page and artifact.

    Then remove what only the arms needed: it is as large as a night and is not read again.
    """
    line = StageLine()
    comparison = compare(arms, book, place.contract, place.config)
    comparison.save(place.folder)
    page = write_page(comparison, place.folder)
    create_markdown_artifact(render_markdown(comparison), "comparison", description=f"Page: {page}")
    shutil.rmtree(place.arms)
    for part in book.parts:
        part.unlink()
    line.end("%s arms: %s", len(comparison.arms), comparison.conclusion.removesuffix("."))
    return comparison
