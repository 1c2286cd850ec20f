"""Stage 1: convert the CSV files to checked Parquet parts."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.ingest.book import CuratedBook
from propensity.ingest.curation import ingest_files
from propensity.runtime.checkpoints import Stage
from propensity.runtime.night import OpenNight
from tasks.line import StageLine
from tasks.progress import show_progress


@task(task_run_name="ingest", cache_policy=NO_CACHE)
def ingest(night: OpenNight) -> CuratedBook:
    """Check every row against the contract; store the bad ones with their reasons."""
    tolerated = night.config.tolerated_rejected_share
    line, stage = StageLine(), Stage(night, "ingest", CuratedBook, (tolerated,))
    checkpoint = stage.find(line.log.warning)
    if checkpoint:
        line.take(checkpoint.written_at)
        book = checkpoint.record
    else:
        book = _ingest(night)
        hashed = dict(zip(book.parts, book.digests, strict=True))
        stage.keep(book, [*book.parts, book.rejected], hashed)
    if book.n_rejected:
        line.log.warning("%s rows rejected, see %s", f"{book.n_rejected:,}", book.rejected)
    counts = f"{book.n_rows:,}", len(book.parts), f"{book.n_rejected:,}"
    line.end("%s policyholders in %s parts, %s rows rejected", *counts)
    return book


def _ingest(night: OpenNight) -> CuratedBook:
    with show_progress("ingest") as on_progress:
        return ingest_files(
            list(night.files),
            night.contract,
            night.workspace.curated(night.run.run_name),
            tolerated_rejected_share=night.config.tolerated_rejected_share,
            on_progress=on_progress,
        )
