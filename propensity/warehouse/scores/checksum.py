"""A whole number that stands for a row of scores, the same from a part as from the database.

It is the id, modulo a prime, times a code made of all other columns: summed over rows, it changes
where a value changes, and where an id stands beside somebody else's score.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import REAL, BigInteger, Column, ColumnElement, Table, case, cast, func, literal

ID_MODULUS = 65_519
CODE_MODULUS = 524_287
"""Primes: a product is below 2^35, and the sum over 200 million rows still fits 63 bits."""
FACTORS = {
    "fold": 104_729,
    "response_known": 224_737,
    "response": 350_377,
    "is_control": 479_909,
    "lead_rank": 15_493,
    "probability": 7,
    "percentile": 49_991,
    "decile": 299_993,
    "predicted_response": 399_989,
    "region_code": 179_429,
    "sales_channel": 86_029,
}
RANGES = {"probability": 1, "percentile": 100}
STEPS = {"probability": 2.0**24, "percentile": 2.0**16}
"""Powers of two: the product is exact."""
NO_TIE = 0.3
"""Added before rounding: databases round a half to the even number or upwards."""
ABSENT = -1


def code_rows(rows: pa.Table) -> NDArray[np.int64]:
    """Return the number of each row of a part, shape (n,)."""
    code = np.zeros(rows.num_rows, np.int64)
    for name, factor in FACTORS.items():
        code += factor * _read_whole(rows[name], name)
    weight = rows["policyholder_id"].to_numpy() % ID_MODULUS + 1
    return np.asarray(weight * np.fmod(code, CODE_MODULUS))


def _read_whole(column: pa.ChunkedArray, name: str) -> NDArray[np.int64]:
    if name not in STEPS:
        return np.asarray(pc.fill_null(column.cast(pa.int64()), ABSENT).to_numpy())
    values = column.to_numpy().astype(np.float64)
    is_inside = (values >= 0) & (values <= RANGES[name])
    steps = np.where(is_inside, values, 0) * STEPS[name] + NO_TIE
    return np.where(is_inside, np.rint(steps), ABSENT).astype(np.int64)


def sum_codes(scores: Table) -> ColumnElement[int]:
    """Return the sum of these numbers over all rows of the table of a run, in SQL."""
    code: ColumnElement[int] = literal(0, BigInteger)
    for name, factor in FACTORS.items():
        code += literal(factor, BigInteger) * _whole_in_sql(scores.c[name], name)
    weight = scores.c.policyholder_id % ID_MODULUS + 1
    return func.sum(weight * (code % CODE_MODULUS))


def _whole_in_sql(column: Column[Any], name: str) -> ColumnElement[int]:
    if name not in STEPS:
        return func.coalesce(column, ABSENT) if column.nullable else column.expression
    # PostgreSQL was sent decimals: as a REAL they are again the very number of the part
    steps = func.round(cast(column, REAL) * STEPS[name] + NO_TIE)
    is_inside = column.between(0, RANGES[name])
    return case((is_inside, cast(steps, BigInteger)), else_=ABSENT)
