"""Stage 7: readers see tonight."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from propensity.dataset import CuratedBook
from propensity.gate import Contender
from propensity.night import OpenNight, reach_warehouse
from propensity.scored import ScoredBook
from propensity.warehouse.publish import Publication, publish_scores
from tasks.progress import show_progress


@task(task_run_name="publish", cache_policy=NO_CACHE)
def publish(
    night: OpenNight, book: CuratedBook, scores: ScoredBook, serving: Contender
) -> Publication:
    """Load beside last night's scores, audit, flip the pointer."""
    with show_progress("publish") as on_progress:
        publication = publish_scores(
            reach_warehouse(), night.run, book, scores, serving, on_progress
        )
    seen = "readers see it" if publication.is_current else "stored; readers see a newer night"
    rows = f"{publication.n_policyholders:,}"
    get_run_logger().info("%s scores as run %s: %s", rows, publication.run_id, seen)
    return publication
