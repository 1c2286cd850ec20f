"""Stage 8: show tonight's scores to readers."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from propensity.errors import WarehouseAwayError
from propensity.events import NightPublished
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from propensity.warehouse.publication import Publication, publish_scores
from tasks.emitting import emit
from tasks.line import StageLine
from tasks.progress import show_progress


def _was_away(_task: object, _run: object, state: State[Any]) -> bool:
    """Retry only if the database was away: publishing starts over or finds that it is done."""
    try:
        state.result()
    except WarehouseAwayError:
        return True
    except Exception:  # noqa: BLE001  (any other error would occur again)
        return False
    return False


@task(
    task_run_name="publish",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=30,
    retry_condition_fn=_was_away,
)
def publish(night: OpenNight, facts: NightFacts) -> Publication:
    """Load the scores next to last night's, audit them, and flip the pointer."""
    line, serving = StageLine(), facts.serving
    with show_progress("publish") as on_progress:
        publication = publish_scores(night.rejoin(), night.run, facts.to_publish, on_progress)
    seen = "readers see it" if publication.is_current else "stored; readers keep the night they see"
    quality = serving.evaluation
    emit(
        NightPublished(
            as_of=night.config.as_of,
            run_id=publication.run_id,
            run_name=night.run.run_name,
            n_policyholders=publication.n_policyholders,
            n_rejected=facts.book.book.n_rejected,
            model_version=serving.version.name,
            f1=quality.f1,
            f1_low=quality.f1_interval.low,
            f1_high=quality.f1_interval.high,
            is_current=publication.is_current,
        )
    )
    rows = f"{publication.n_policyholders:,}"
    line.end("%s scores as run %s: %s", rows, publication.run_id, seen)
    return publication
