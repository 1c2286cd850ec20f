"""The night that tonight is compared with."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Engine, select

from propensity.warehouse.engine import explain_absence
from propensity.warehouse.schema.tables import pointer_moves, scoring_runs


@dataclass(frozen=True)
class LastNight:
    """The run of an earlier date that readers saw last, and the version that scored it."""

    run_id: int
    run_name: str
    as_of: dt.date
    model_version: str


def find_last_night(engine: Engine, as_of: dt.date) -> LastNight | None:
    """Return the run readers saw last of those with an earlier date.

    A night that was rolled back is passed over, and so is an earlier attempt at the same date.

    Args:
        engine: The warehouse.
        as_of: Date of tonight.

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
