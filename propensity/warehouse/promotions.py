"""Promotions: the champion, the history of decisions, and rolling back a model."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, insert, select, true

from propensity.errors import WarehouseError
from propensity.warehouse.engine import begin_write, explain_absence
from propensity.warehouse.locks import wait_for_lock
from propensity.warehouse.runs import Run
from propensity.warehouse.schema.tables import promotions


@dataclass(frozen=True)
class Promotion:
    """One decision, by the gate or by hand.

    Args:
        decided_at: Time of the decision, UTC.
        decided_by: The gate, or the user who rolled back.
        as_of: Date of the night from which it applies.
        from_version: Previous champion, if any.
        to_version: The candidate, or the version rolled back to.
        decision: promoted, kept_champion, rejected or rolled_back.
        reason: Reason for the decision, one sentence.
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
    """SQLite drops the time zone, which is UTC; PostgreSQL returns that of the session."""
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)


def find_champion(engine: Engine, as_of: dt.date | None = None) -> str | None:
    """Return the champion on a date, or None before the first.

    The candidate of a past night is compared with the champion of its date; promoting it does not
    displace a newer champion.

    Args:
        engine: The warehouse.
        as_of: Date of the night; default: return the current champion.

    Raises:
        WarehouseError: The database does not answer, or refuses this user.
    """
    with explain_absence(engine), engine.connect() as connection:
        return _find_champion(connection, as_of)


def _find_champion(connection: Connection, as_of: dt.date | None = None) -> str | None:
    query = _serving_since(as_of).with_only_columns(promotions.c.to_version)
    return connection.execute(query).scalars().first()


def _serving_since(as_of: dt.date | None) -> Select[Any]:
    in_time = true() if as_of is None else promotions.c.as_of <= as_of
    return (
        select(promotions)
        .where(promotions.c.decision.in_(("promoted", "rolled_back")), in_time)
        .order_by(promotions.c.as_of.desc(), promotions.c.promotion_id.desc())
    )


def roll_back_model(
    engine: Engine, *, by: str, reason: str, to_version: str | None = None
) -> tuple[str, str]:
    """Make an earlier version the champion again, in one transaction.

    Published scores do not change; this version scores the next night unless a candidate beats it.

    Args:
        engine: The warehouse.
        by: User who rolls back.
        reason: Reason for the rollback.
        to_version: A version that was once promoted; default: the previous champion.

    Returns:
        The previous champion, and the new one.

    Raises:
        WarehouseError: There is no champion, none before it, or the version was never promoted.
    """
    with begin_write(engine) as connection:
        wait_for_lock(connection, "promote")
        now = connection.execute(_serving_since(None)).first()
        if now is None:
            raise WarehouseError("No model has been promoted", todo="Run `propensity run` first")
        target = _find_before(connection, now.to_version) if to_version is None else to_version
        _check_promoted(connection, target, now.to_version)
        newest = connection.execute(select(func.max(promotions.c.as_of))).scalar_one()
        row = {
            "decided_at": dt.datetime.now(dt.UTC),
            "decided_by": by,
            "as_of": newest,
            "from_version": now.to_version,
            "to_version": target,
            "decision": "rolled_back",
            "reason": reason,
        }
        connection.execute(insert(promotions).values(row))
    return now.to_version, str(target)


def _find_before(connection: Connection, version: str) -> str | None:
    """Return the champion that a version replaced when it was first promoted."""
    query = (
        select(promotions.c.from_version)
        .where(promotions.c.decision == "promoted", promotions.c.to_version == version)
        .order_by(promotions.c.promotion_id)
    )
    return connection.execute(query).scalars().first()


def _check_promoted(connection: Connection, version: str | None, champion: str) -> None:
    if version is None:
        raise WarehouseError(f"No model served before {champion}")
    query = select(promotions.c.to_version).where(promotions.c.decision == "promoted")
    if version not in set(connection.execute(query).scalars()):
        raise WarehouseError(
            f"Version {version} was never promoted",
            expected="a version that has been champion",
            todo="Choose one from `propensity models`",
        )


def check_champion(connection: Connection, run: Run, against: str | None) -> None:
    """Refuse a decision made against a version that is no longer the champion.

    Raises:
        WarehouseError: Another version has become champion meanwhile.
    """
    champion = _find_champion(connection, run.night.as_of)
    if champion != against:
        raise WarehouseError(
            f"{champion} became champion while the candidate was compared with {against}",
            todo="Nothing was decided or published. Run the night again with the new champion",
        )
