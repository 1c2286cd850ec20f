"""Stage 9: does anything about the published night need a person?"""

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.evaluation.records import Contender
from propensity.runtime.alerts import find_drift, find_f1_drop
from propensity.runtime.night import OpenNight, rejoin_warehouse
from propensity.warehouse.nights import find_last_night
from propensity.warehouse.queries import summarize_run
from tasks.emitting import emit
from tasks.line import StageLine


@task(task_run_name="alert", cache_policy=NO_CACHE)
def alert(night: OpenNight, serving: Contender) -> None:
    """Compare F1 and book with the last published night; emit an event where they moved far."""
    line, warehouse = StageLine(), rejoin_warehouse()
    last = find_last_night(warehouse, night.config.as_of)
    if last is None:
        line.end("the first night: nothing to compare with")
        return
    drop = find_f1_drop(night, serving, last, summarize_run(warehouse, last.run_id))
    if drop:
        emit(drop)
        line.log.warning("F1 fell from %.4f on %s to %.4f", drop.last_f1, last.as_of, drop.f1)
    drift = find_drift(night, serving, last)
    if drift:
        emit(drift)
        moved = ", ".join(drift.columns)
        line.log.warning("%s moved far since %s: look at the report", moved, last.as_of)
    line.end("%s of 2 alerts since %s", bool(drop) + bool(drift), last.as_of)
