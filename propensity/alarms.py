"""Is anything about a published night, or about its absence, worth waking somebody?"""

import datetime as dt

from sqlalchemy import Engine, select

from propensity.counts import BookCounts
from propensity.drift import LARGE, compare_nights
from propensity.events import F1Dropped, NightDrifted, NightLate
from propensity.gate import Contender
from propensity.night import OpenNight
from propensity.warehouse.engine import explain_absence
from propensity.warehouse.last_night import LastNight
from propensity.warehouse.reading import summarize_run
from propensity.warehouse.tables import published_run, scoring_runs


def find_f1_drop(
    engine: Engine, night: OpenNight, serving: Contender, last: LastNight
) -> F1Dropped | None:
    """Return the drop if F1 fell by more than the promotion margin, and not by chance.

    Args:
        engine: The warehouse.
        night: Tonight.
        serving: Who scored tonight's book, and how well.
        last: The night readers saw before.
    """
    quality, before = serving.evaluation, summarize_run(engine, last.run_id)
    margin = night.config.promotion_margin
    if before.f1_score - quality.f1 <= margin or before.f1_score <= quality.f1_interval.high:
        return None
    return F1Dropped(
        as_of=night.config.as_of,
        run_name=night.run.run_name,
        last_as_of=last.as_of,
        f1=quality.f1,
        f1_low=quality.f1_interval.low,
        f1_high=quality.f1_interval.high,
        last_f1=before.f1_score,
        prevalence=quality.prevalence,
        last_prevalence=before.prevalence,
        margin=margin,
    )


def find_drift(night: OpenNight, last: LastNight) -> NightDrifted | None:
    """Return the columns that moved far since last night, if there are any.

    It reads the counts that presenting a night keeps.

    Raises:
        FileNotFoundError: Tonight could not be presented.
    """
    tonight = BookCounts.load(night.workspace.counts(night.run.run_name))
    before = BookCounts.load(night.workspace.counts(last.run_name))
    if tonight is None:
        raise FileNotFoundError(night.workspace.counts(night.run.run_name))
    drifts = compare_nights(before, tonight) if before else ()
    far = [drift for drift in drifts if drift.strength == "large"]
    if not far:
        return None
    return NightDrifted(
        as_of=night.config.as_of,
        run_name=night.run.run_name,
        last_as_of=last.as_of,
        columns=tuple(drift.column for drift in far),
        stability_indices=tuple(round(drift.stability_index, 4) for drift in far),
        threshold=LARGE,
    )


def find_lateness(engine: Engine, as_of: dt.date, deadline: dt.datetime) -> NightLate | None:
    """Return what is known of a night that was not published.

    A newer night stands for it. One that was rolled back by hand was published all the same.

    Args:
        engine: The warehouse.
        as_of: Date of the night.
        deadline: Until when it should have been published.
    """
    runs = scoring_runs.c
    done = select(runs.run_id).where(runs.as_of >= as_of, runs.status == "published")
    seen = select(runs.as_of).join(published_run, published_run.c.run_id == runs.run_id)
    tried = select(runs.run_id, runs.status, runs.reason).where(runs.as_of == as_of)
    with explain_absence(engine), engine.connect() as connection:
        if connection.execute(done.limit(1)).first():
            return None
        readers_as_of = connection.execute(seen).scalar_one_or_none()
        attempt = connection.execute(tried.order_by(runs.run_id.desc())).first()
    if attempt is None:
        return NightLate(as_of, deadline, readers_as_of, "no run has begun")
    known = f"run {attempt.run_id} is {attempt.status}"
    return NightLate(
        as_of, deadline, readers_as_of, f"{known}: {attempt.reason}" if attempt.reason else known
    )
