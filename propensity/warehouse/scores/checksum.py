"""A checksum for each score column, equal for the Parquet parts and for the database.

It is the sum over all rows of `id * value`, where products are taken modulo a prime so that nothing
overflows 63 bits. One changed value always changes the sum (unless it changes by a multiple of the
prime), because no id is a multiple of the prime; so does a value stored with another id.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import REAL, BigInteger, Column, ColumnElement, Table, case, cast, func

from propensity.scoring.records import SCORES_SCHEMA

PRIME = 2**31 - 1
IDS = PRIME - 1
"""Ids are taken modulo this, plus 1: from 1 to PRIME - 1, never a multiple of the prime."""
ID = "policyholder_id"
VALUES = tuple(name for name in SCORES_SCHEMA.names if name != ID)
RANGES = {"probability": 1, "percentile": 100}
STEPS = {"probability": 2.0**24, "percentile": 2.0**16}
"""Steps per unit, in which fractions are counted; powers of two, so that products are exact."""
NO_TIE = 0.3
"""Added before rounding, because databases round halves either to even or upwards."""
ABSENT = -1


def sum_columns(rows: pa.Table) -> dict[str, int]:
    """Return the checksum of each column over the rows of a part."""
    ids = np.fmod(rows[ID].to_numpy(), IDS) + 1
    products = {name: np.fmod(ids * _read_whole(rows[name], name), PRIME) for name in VALUES}
    return {name: int(column.sum()) for name, column in ({ID: ids} | products).items()}


def _read_whole(column: pa.ChunkedArray, name: str) -> NDArray[np.int64]:
    if name not in STEPS:
        return np.asarray(pc.fill_null(column.cast(pa.int64()), ABSENT).to_numpy())
    values = column.to_numpy().astype(np.float64)
    is_inside = (values >= 0) & (values <= RANGES[name])
    steps = np.where(is_inside, values, 0) * STEPS[name] + NO_TIE
    return np.where(is_inside, np.rint(steps), ABSENT).astype(np.int64)


def sum_columns_in_sql(scores: Table) -> dict[str, ColumnElement[int]]:
    """Return the same checksums, over all rows of the table of a run, as SQL."""
    ids = scores.c[ID] % IDS + 1
    products = {name: ids * _whole_in_sql(scores.c[name], name) % PRIME for name in VALUES}
    return {name: func.sum(column) for name, column in ({ID: ids} | products).items()}


def _whole_in_sql(column: Column[Any], name: str) -> ColumnElement[int]:
    if name not in STEPS:
        return func.coalesce(column, ABSENT) if column.nullable else column.expression
    # PostgreSQL received decimals: cast to REAL, they equal the numbers in the part again
    steps = func.round(cast(column, REAL) * STEPS[name] + NO_TIE)
    is_inside = column.between(0, RANGES[name])
    return case((is_inside, cast(steps, BigInteger)), else_=ABSENT)
