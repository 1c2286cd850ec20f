"""Stage 6: every policyholder gets a probability and a place in the book."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from propensity.dataset import CuratedBook
from propensity.gate import Contender
from propensity.night import OpenNight
from propensity.scored import ScoredBook
from tasks.progress import show_progress


@task(task_run_name="score", cache_policy=NO_CACHE)
def score(night: OpenNight, book: CuratedBook, serving: Contender) -> ScoredBook:
    """Score the whole book with the version that serves tonight."""
    from propensity.scoring import score_book  # TensorFlow

    with show_progress("score") as on_progress:
        scores = score_book(
            book,
            serving,
            night.contract,
            night.config.lead_rules,
            night.workspace.scores(night.run.run_name),
            on_progress,
        )
    counts = f"{scores.n_rows:,} policyholders, {scores.n_leads:,} of them leads"
    get_run_logger().info("%s, by %s", counts, serving.version.name)
    return scores
