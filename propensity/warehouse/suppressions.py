"""Record and find policyholders who must not be contacted."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, insert, or_, select

from propensity.warehouse.engine import begin_write, explain_absence
from propensity.warehouse.locks import wait_for_lock
from propensity.warehouse.schema.tables import suppressions
from propensity.warehouse.suppression_file import Suppression


def find_suppressed(engine: Engine) -> NDArray[np.int64]:
    """Return the ids of policyholders who must not be contacted today (UTC), shape (n,)."""
    today, rows = dt.datetime.now(dt.UTC).date(), suppressions.c
    query = select(rows.policyholder_id).where(
        rows.valid_from <= today, or_(rows.valid_until.is_(None), rows.valid_until >= today)
    )
    with engine.connect() as connection:
        return np.array(connection.execute(query).scalars().all(), dtype=np.int64)


INSERT_ROWS = 10_000


Ends = dict[tuple[int, dt.date], dt.date | None]
"""The stored valid_until, by policyholder_id and valid_from."""


@dataclass(frozen=True)
class RecordedSuppressions:
    """What became of the rows of a file.

    Args:
        n_recorded: Rows stored: new, or replacing a suppression that ended earlier.
        n_shortened: Rows that replaced a longer suppression, because `may_shorten` allowed it.
        n_kept: Rows ignored: one that lasts at least as long is stored or in the file.
    """

    n_recorded: int
    n_shortened: int
    n_kept: int


def record_suppressions(
    engine: Engine, rows: list[Suppression], *, by: str, may_shorten: bool = False
) -> RecordedSuppressions:
    """Record all rows in one transaction; for each id and valid_from the longest counts.

    A shorter pause, in the same file or a later one, therefore never replaces an objection.

    Args:
        engine: The warehouse.
        rows: Rows in any order.
        by: User who records them.
        may_shorten: Allow a row to shorten a stored one with the same id and valid_from.

    Raises:
        WarehouseError: The database does not answer.
    """
    stamp = {"recorded_at": dt.datetime.now(dt.UTC), "recorded_by": by}
    n_stored = n_shortened = 0
    with explain_absence(engine), begin_write(engine) as connection:
        wait_for_lock(connection, "suppress")
        for chunk in _chunk(_keep_longest(rows)):
            ends = _find_ends(connection, chunk)
            differ = [r for r in chunk if _differs(r, ends, may_shorten=may_shorten)]
            n_stored += len(differ)
            n_shortened += sum(_is_shorter(r, ends) for r in differ)
            _replace(connection, [asdict(row) | stamp for row in differ])
    return RecordedSuppressions(n_stored - n_shortened, n_shortened, len(rows) - n_stored)


def _keep_longest(rows: list[Suppression]) -> list[Suppression]:
    """Keep one row for each id and valid_from: the first of those that last longest."""
    longest: dict[tuple[int, dt.date], Suppression] = {}
    for row in rows:
        key = row.policyholder_id, row.valid_from
        if key not in longest or _last_day(longest[key].valid_until) < _last_day(row.valid_until):
            longest[key] = row
    return list(longest.values())


def _last_day(valid_until: dt.date | None) -> dt.date:
    return valid_until or dt.date.max


def _is_shorter(row: Suppression, ends: Ends) -> bool:
    key = row.policyholder_id, row.valid_from
    return key in ends and _last_day(row.valid_until) < _last_day(ends[key])


def _differs(row: Suppression, ends: Ends, *, may_shorten: bool) -> bool:
    key = row.policyholder_id, row.valid_from
    if _is_shorter(row, ends):
        return may_shorten
    return key not in ends or row.valid_until != ends[key]


def _find_ends(connection: Connection, rows: list[Suppression]) -> Ends:
    stored = suppressions.c
    ids = [row.policyholder_id for row in rows]
    columns = stored.policyholder_id, stored.valid_from, stored.valid_until
    found = connection.execute(select(*columns).where(stored.policyholder_id.in_(ids)))
    return {(policyholder_id, first): last for policyholder_id, first, last in found}


def _replace(connection: Connection, values: list[dict[str, Any]]) -> None:
    for valid_from in {v["valid_from"] for v in values}:
        ids = [v["policyholder_id"] for v in values if v["valid_from"] == valid_from]
        same_ids = suppressions.c.policyholder_id.in_(ids)
        same_day = suppressions.c.valid_from == valid_from
        connection.execute(delete(suppressions).where(same_ids, same_day))
    if values:
        connection.execute(insert(suppressions), values)


def _chunk(rows: list[Suppression]) -> Iterator[list[Suppression]]:
    return (rows[start : start + INSERT_ROWS] for start in range(0, len(rows), INSERT_ROWS))
