"""Stage 1: the CSV files become checked Parquet parts."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from propensity.dataset import CuratedBook, ingest_files
from propensity.night import OpenNight
from tasks.progress import show_progress


@task(task_run_name="ingest", cache_policy=NO_CACHE)
def ingest(night: OpenNight) -> CuratedBook:
    """Check every row against the contract; keep the bad ones with their reason."""
    with show_progress("ingest") as on_progress:
        book = ingest_files(
            list(night.files),
            night.contract,
            night.workspace.curated(night.run.run_name),
            tolerated_rejected_share=night.config.tolerated_rejected_share,
            on_progress=on_progress,
        )
    log = get_run_logger()
    log.info("%s policyholders in %s parts", f"{book.n_rows:,}", len(book.parts))
    if book.n_rejected:
        log.warning("%s rows rejected, see %s", f"{book.n_rejected:,}", book.rejected)
    return book
