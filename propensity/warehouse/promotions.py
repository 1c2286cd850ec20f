"""What was decided about model versions, newest first: the history that a model card shows."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Engine, select

from propensity.warehouse.engine import explain_absence
from propensity.warehouse.schema.tables import promotions


@dataclass(frozen=True)
class Promotion:
    """One decision, of the gate or by hand.

    Args:
        decided_at: When, UTC.
        decided_by: The gate, or who rolled back.
        as_of: Date of the night from which it holds.
        from_version: The champion before, if any.
        to_version: The candidate, or the version rolled back to.
        decision: promoted, kept_champion, rejected or rolled_back.
        reason: One sentence.
    """

    decided_at: dt.datetime
    decided_by: str
    as_of: dt.date
    from_version: str | None
    to_version: str
    decision: str
    reason: str


def read_history(engine: Engine, n: int = 20) -> tuple[Promotion, ...]:
    """Return the latest n decisions, the newest first.

    Raises:
        WarehouseError: The database does not answer.
    """
    c = promotions.c
    columns = (c.decided_by, c.as_of, c.from_version, c.to_version, c.decision, c.reason)
    query = select(c.decided_at, *columns).order_by(c.promotion_id.desc()).limit(n)
    with explain_absence(engine), engine.connect() as connection:
        rows = connection.execute(query).all()
    return tuple(Promotion(_in_utc(decided_at), *others) for decided_at, *others in rows)


def _in_utc(time: dt.datetime) -> dt.datetime:
    """SQLite forgets the time zone, which is UTC; PostgreSQL answers in that of the session."""
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
