"""Published nights by date: the last one before tonight, and whether one is overdue."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Engine, select

from propensity.events import NightLate
from propensity.warehouse.engine import explain_absence
from propensity.warehouse.schema.tables import pointer_moves, published_run, scoring_runs


@dataclass(frozen=True)
class LastNight:
    """The run of an earlier date that readers saw last, and its model version."""

    run_id: int
    run_name: str
    as_of: dt.date
    model_version: str


def find_last_night(engine: Engine, as_of: dt.date) -> LastNight | None:
    """Return the run that readers saw last among those with an earlier date.

    Nights that were rolled back and earlier attempts at the same date are skipped.

    Args:
        engine: The warehouse.
        as_of: Date of the current night.

    Raises:
        WarehouseError: The database does not answer.
    """
    runs = scoring_runs.c
    query = (
        select(runs.run_id, runs.run_name, runs.as_of, runs.model_version)
        .join(pointer_moves, pointer_moves.c.to_run_id == runs.run_id)
        .where(runs.as_of < as_of)
        .order_by(pointer_moves.c.move_id.desc())
    )
    with explain_absence(engine), engine.connect() as connection:
        row = connection.execute(query).first()
    return LastNight(*row) if row else None


def find_lateness(engine: Engine, as_of: dt.date, deadline: dt.datetime) -> NightLate | None:
    """Return what is known about an overdue night, or None if it is not overdue.

    It is not overdue if it or a newer night was published, even if it was rolled back later.

    Args:
        engine: The warehouse.
        as_of: Date of the night.
        deadline: Time by which it should have been published.
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
