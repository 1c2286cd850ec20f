"""The one row that says which run readers see: flipped by publishing and by rolling back."""

import datetime as dt

from sqlalchemy import Connection, Engine, delete, insert, or_, select

from propensity.errors import WarehouseError
from propensity.warehouse.engine import begin_write
from propensity.warehouse.tables import published_run, scoring_runs


def point_to(connection: Connection, run_id: int, at: dt.datetime) -> None:
    """Make readers see a run; atomic with the transaction it is part of."""
    connection.execute(delete(published_run))
    pointer = {"pointer": 1, "run_id": run_id, "published_at": at}
    connection.execute(insert(published_run).values(pointer))


def is_older_than_published(connection: Connection, as_of: dt.date) -> bool:
    """Tell whether readers see a night of a later date."""
    query = select(scoring_runs.c.as_of).join(published_run)
    published_as_of = connection.execute(query).scalar_one_or_none()
    return published_as_of is not None and as_of < published_as_of


def roll_back(engine: Engine) -> tuple[int, int]:
    """Point readers to the night that was published before the one they see.

    Returns:
        The run readers saw, and the one they see now.

    Raises:
        WarehouseError: Nothing is published, or nothing before it.
    """
    runs = scoring_runs.c
    with begin_write(engine) as connection:
        now = connection.execute(select(runs.run_id, runs.as_of).join(published_run)).first()
        if now is None:
            raise WarehouseError("Nothing is published yet", todo="Run `propensity run` first")
        before = (
            select(runs.run_id)
            .where(runs.status == "published")
            .where(
                or_(runs.as_of < now.as_of, (runs.as_of == now.as_of) & (runs.run_id < now.run_id))
            )
            .order_by(runs.as_of.desc(), runs.run_id.desc())
        )
        target = connection.execute(before).scalars().first()
        if target is None:
            raise WarehouseError(f"No night was published before run {now.run_id}")
        point_to(connection, target, dt.datetime.now(dt.UTC))
    return now.run_id, target
