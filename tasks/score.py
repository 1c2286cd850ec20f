"""Stage 6: give every policyholder a probability and a rank, part by part."""

from collections.abc import Callable
from dataclasses import asdict

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.evaluation.records import Contender
from propensity.ingest.book import CuratedBook
from propensity.runtime.checkpoints import Stage
from propensity.runtime.night import OpenNight
from propensity.scoring.records import ScoredBook
from propensity.storage.hashing import digest_files
from tasks.line import StageLine
from tasks.progress import show_progress


@task(task_run_name="score", cache_policy=NO_CACHE)
def score(night: OpenNight, book: CuratedBook, serving: Contender) -> ScoredBook:
    """Score the whole book with the version that serves tonight."""
    line, stage = StageLine(), Stage(night, "score", ScoredBook, list_read(book, serving))
    checkpoint = stage.find(line.log.warning)
    if checkpoint:
        line.take(checkpoint.written_at)
        scores = checkpoint.record
    else:
        scores = _score(night, book, serving)
        stage.keep(scores, scores.parts)
    counts = f"{scores.n_rows:,}", f"{scores.n_leads:,}", f"{scores.n_control:,}"
    line.end(
        "%s policyholders, %s leads, %s in the control group, by %s", *counts, serving.version.name
    )
    return scores


def list_read(book: CuratedBook, serving: Contender) -> tuple[object, ...]:
    """Return what determines the scores; not the version name, which differs between attempts."""
    folder, members = serving.version.folder, serving.version.members
    files = [path for m in members for path in m.list_files(folder)]
    digests = [*book.digests, digest_files(files)]
    curves = serving.recalibration.curves
    return (*digests, [asdict(m) for m in members], serving.evaluation.thresholds, curves)


def _score(night: OpenNight, book: CuratedBook, serving: Contender) -> ScoredBook:
    from propensity.scoring.batch_scoring import score_book  # only where it is used

    with show_progress("score") as on_progress:
        return score_book(
            book,
            serving,
            night.contract,
            night.config.lead_rules,
            night.workspace.scores(night.run.run_name),
            on_progress,
            score_part,
        )


@task(task_run_name="score-part-{number}", cache_policy=NO_CACHE)
def score_part(number: int, score_rows: Callable[[], int]) -> None:
    """Score one part of the book in its own task run, so that the UI shows progress."""
    line = StageLine()
    line.end("part %s: %s policyholders", number, f"{score_rows():,}")
