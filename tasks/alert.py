"""After publishing: check whether anything about the published night needs a person."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.runtime.alerts import find_drift, find_f1_drop
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from propensity.warehouse.queries import summarize_run
from tasks.emitting import emit
from tasks.line import StageLine


@task(task_run_name="alert", cache_policy=NO_CACHE)
def alert(night: OpenNight, facts: NightFacts) -> None:
    """Compare F1 and book with the last published night; emit an event for each large change."""
    line, last = StageLine(), facts.last_night
    if last is None:
        line.end("the first night: nothing to compare with")
        return
    drop = find_f1_drop(night, facts.serving, last, summarize_run(night.rejoin(), last.run_id))
    if drop:
        emit(drop)
        line.log.warning("F1 fell from %.4f on %s to %.4f", drop.last_f1, last.as_of, drop.f1)
    drift = find_drift(night, facts)
    if drift:
        emit(drift)
        moved = ", ".join(drift.columns)
        line.log.warning("%s shifted strongly since %s: see the report", moved, last.as_of)
    line.end("%s of 2 alerts since %s", bool(drop) + bool(drift), last.as_of)
