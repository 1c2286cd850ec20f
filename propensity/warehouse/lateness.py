"""A night that should have been published by now."""

import datetime as dt

from sqlalchemy import Engine, select

from propensity.events import NightLate
from propensity.warehouse.engine import explain_absence
from propensity.warehouse.schema.tables import published_run, scoring_runs


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
