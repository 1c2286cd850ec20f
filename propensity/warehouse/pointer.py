"""The pointer: one row with the run that readers see, moved by publication and rollback."""

import datetime as dt

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from propensity.errors import WarehouseError
from propensity.warehouse.engine import begin_write
from propensity.warehouse.locks import wait_for_lock
from propensity.warehouse.schema.tables import pointer_moves, published_run, scoring_runs
from propensity.warehouse.scores.run_tables import follow_pointer


def find_pointed_at(connection: Connection) -> int | None:
    """Return the run that readers see, or None before the first."""
    return connection.execute(select(published_run.c.run_id)).scalar_one_or_none()


def point_to(connection: Connection, run_id: int, *, by: str, reason: str) -> None:
    """Make readers see a run, and record who moved the pointer and why."""
    now = dt.datetime.now(dt.UTC)
    before = find_pointed_at(connection)
    pointer = {
        "pointer": 1,
        "run_id": run_id,
        "previous_run_id": _find_night_before(connection, run_id),
        "published_at": now,
    }
    move = {
        "moved_at": now,
        "moved_by": by,
        "from_run_id": before,
        "to_run_id": run_id,
        "reason": reason,
    }
    connection.execute(delete(published_run))
    connection.execute(insert(published_run).values(pointer))
    connection.execute(insert(pointer_moves).values(move))


def refresh_night_before(connection: Connection) -> None:
    """Update the night before the one that readers see: a newly stored one may be closer."""
    now = find_pointed_at(connection)
    if now is not None:
        before = _find_night_before(connection, now)
        connection.execute(update(published_run).values(previous_run_id=before))


def is_older_than_newest(connection: Connection, as_of: dt.date) -> bool:
    """Tell whether a night of a later date is stored, even if it was rolled back."""
    runs = scoring_runs.c
    newest = select(func.max(runs.as_of)).where(runs.status == "published")
    newest_as_of: dt.date | None = connection.execute(newest).scalar_one()
    return newest_as_of is not None and as_of < newest_as_of


def roll_back(
    engine: Engine, *, by: str, reason: str, to_run_id: int | None = None
) -> tuple[int, int]:
    """Point readers to another stored night, in one transaction.

    Args:
        engine: The warehouse.
        by: User who rolls back.
        reason: Reason for the rollback.
        to_run_id: A published run; default: the night before the one that readers see.

    Returns:
        The run that readers saw, and the one that they see now.

    Raises:
        WarehouseError: Nothing is published, there is no earlier night, or the run is not stored.
    """
    with begin_write(engine) as connection:
        wait_for_lock(connection, "pointer")
        now = find_pointed_at(connection)
        if now is None:
            raise WarehouseError("Nothing is published yet", todo="Run `propensity run` first")
        target = to_run_id
        if target is None:
            target = _find_night_before(connection, now, or_earlier_run=True)
        if target is None:
            raise WarehouseError(f"No night was published before run {now}")
        _check_stored(connection, target)
        point_to(connection, target, by=by, reason=reason)
        follow_pointer(connection)
    return now, target


def _check_stored(connection: Connection, run_id: int) -> None:
    query = select(scoring_runs.c.status).where(scoring_runs.c.run_id == run_id)
    status = connection.execute(query).scalar_one_or_none()
    if status != "published":
        raise WarehouseError(
            f"Run {run_id} is {status or 'not known'}",
            expected="a published run whose scores are stored",
            todo="Choose one from `propensity runs`",
        )


def _find_night_before(
    connection: Connection, run_id: int, *, or_earlier_run: bool = False
) -> int | None:
    """Return the newest published run of an earlier date, or an earlier run of the same date."""
    runs = scoring_runs.c
    as_of = connection.execute(select(runs.as_of).where(runs.run_id == run_id)).scalar_one_or_none()
    is_before = runs.as_of < as_of
    if or_earlier_run:
        is_before |= (runs.as_of == as_of) & (runs.run_id < run_id)
    query = (
        select(runs.run_id)
        .where(runs.status == "published", is_before)
        .order_by(runs.as_of.desc(), runs.run_id.desc())
    )
    return connection.execute(query).scalars().first()
