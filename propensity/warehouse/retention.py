"""Retention: choose the nights to keep, and drop the others."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select, union, update

from propensity.warehouse.engine import begin_write, explain_absence
from propensity.warehouse.locks import only_one, wait_for_lock
from propensity.warehouse.schema.tables import promotions, published_run, scoring_runs
from propensity.warehouse.scores import table_lifecycle


@dataclass(frozen=True)
class StoredNight:
    """A night whose scores are stored."""

    run_id: int
    run_name: str
    as_of: dt.date
    n_policyholders: int


def find_superfluous(engine: Engine, keep_nights: int) -> list[StoredNight]:
    """Return the nights that retention would drop, oldest first.

    It keeps the last `keep_nights` dates, the night that readers see and the one before it, and
    every night that promoted a model.

    Args:
        engine: The warehouse.
        keep_nights: Number of dates to keep.

    Raises:
        WarehouseError: The database does not answer, or refuses this user.
    """
    with explain_absence(engine), engine.connect() as connection:
        return _find(connection, keep_nights)


def _find(connection: Connection, keep_nights: int) -> list[StoredNight]:
    runs = scoring_runs.c
    published = runs.status == "published"
    newest = (
        select(runs.as_of)
        .where(published)
        .distinct()
        .order_by(runs.as_of.desc())
        .limit(keep_nights)
        .subquery()
    )
    kept = union(
        select(runs.run_id).where(runs.as_of.in_(select(newest.c.as_of))),
        select(promotions.c.run_id).where(
            promotions.c.decision == "promoted", promotions.c.run_id.is_not(None)
        ),
        select(published_run.c.run_id),
        select(published_run.c.previous_run_id).where(published_run.c.previous_run_id.is_not(None)),
    ).subquery()
    query = (
        select(runs.run_id, runs.run_name, runs.as_of, runs.n_policyholders)
        .where(published, ~runs.run_id.in_(select(kept.c.run_id)))
        .order_by(runs.as_of, runs.run_id)
    )
    return [StoredNight(*row) for row in connection.execute(query)]


def drop_superfluous(engine: Engine, keep_nights: int) -> list[StoredNight]:
    """Drop the scores of those nights; their rows in scoring_runs stay, with status retired.

    They are retired first, so that nobody can roll back to them, before their tables are dropped.

    Raises:
        BusyError: A publication is under way.
    """
    with only_one(engine, "publish"):
        with begin_write(engine) as connection:
            wait_for_lock(connection, "pointer")  # blocks rollbacks meanwhile
            nights = _find(connection, keep_nights)
            run_ids = [night.run_id for night in nights]
            mine = scoring_runs.c.run_id.in_(run_ids)
            connection.execute(update(scoring_runs).where(mine).values(status="retired"))
        table_lifecycle.drop(engine, run_ids + _find_retired(engine))
    return nights


def _find_retired(engine: Engine) -> list[int]:
    """Return all retired runs: an interrupted retention may have left their tables."""
    query = select(scoring_runs.c.run_id).where(scoring_runs.c.status == "retired")
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())
