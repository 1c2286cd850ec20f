"""Check CSV text against the contract, one column at a time.

Each distinct text is checked once: a block of 100,000 rows holds two genders and 66 ages.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from propensity.ingest.contract import Contract
from propensity.ingest.contract_column import Column
from propensity.ingest.csv_lines import TornRow

whole_number = r"^-?\d{1,18}(\.0*)?$"
number = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
REJECTED_SCHEMA = pa.schema(
    [("file", pa.string()), ("line", pa.int64())]
    + [(name, pa.string()) for name in ("column", "found", "expected", "row")]
)


def parse_column(text: pa.StringArray, column: Column) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Convert the text of one column to its type.

    Args:
        text: Cells as in the CSV, shape (n,).
        column: Declaration of the column in the contract.

    Returns:
        Typed values, null if blank or bad, and a mask of the bad cells, both of shape (n,).
    """
    encoded = text.dictionary_encode()
    distinct = pc.ascii_trim_whitespace(encoded.dictionary)
    values = _parse_distinct(distinct, column)
    bad = pc.is_null(values)
    if column.optional:
        bad = pc.and_(bad, pc.not_equal(distinct, ""))
    return values.take(encoded.indices), bad.take(encoded.indices).to_numpy(zero_copy_only=False)


def _parse_distinct(text: pa.StringArray, column: Column) -> pa.Array:
    if column.dtype == "string":
        garbled = pc.match_substring(text, "\ufffd")  # put by read_blocks for bytes not in UTF-8
        values = pc.if_else(pc.or_(pc.equal(text, ""), garbled), None, text)
    elif column.dtype == "float64":
        values = _keep(text, pc.match_substring_regex(text, number)).cast(pa.float64())
        values = _keep(values, pc.is_finite(values))  # 1e999 matches the pattern of a number
    else:
        plain = _keep(text, pc.match_substring_regex(text, whole_number))
        values = pc.replace_substring_regex(plain, r"\.0*$", "").cast(pa.int64())
        bounds = np.iinfo(column.dtype)
        values = _keep(values, _between(values, int(bounds.min), int(bounds.max)))
    if column.domain is not None:
        values = _keep(values, pc.is_in(values, pa.array(column.domain, values.type)))
    if column.range is not None:
        values = _keep(values, _between(values, *column.range))
    return values.cast(column.arrow_type)


def _keep(values: pa.Array, good: pa.BooleanArray) -> pa.Array:
    return pc.if_else(good, values, pa.scalar(None, values.type))


def _between(values: pa.Array, low: float, high: float) -> pa.BooleanArray:
    return pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))


def check_rows(
    cells: pa.RecordBatch, contract: Contract, file: str, lines: NDArray[np.int64]
) -> tuple[pa.Table, NDArray[np.bool_], pa.Table]:
    """Check a block of CSV rows against the contract.

    Args:
        cells: Text by CSV column name; optional columns may be missing.
        contract: Contract to check against.
        file: Name of the CSV file, for the reasons.
        lines: Line number of each row in that file, shape (n,); the header is line 1.

    Returns:
        Typed columns under their curated names, n rows; a mask of the bad rows, shape (n,); and
        one row per bad cell in REJECTED_SCHEMA.
    """
    any_bad = np.zeros(cells.num_rows, dtype=np.bool_)
    typed: dict[str, pa.Array] = {}
    rejected = [REJECTED_SCHEMA.empty_table()]
    for column in contract.columns:
        if column.name not in cells.schema.names:
            typed[column.curated_name] = pa.nulls(cells.num_rows, column.arrow_type)
            continue
        text = cells.column(column.name)
        typed[column.curated_name], bad = parse_column(text, column)
        any_bad |= bad
        if bad.any():
            rejected.append(reject(cells, bad, file, lines, column.name, column.expectation))
    return pa.table(typed), any_bad, pa.concat_tables(rejected)


def reject(
    cells: pa.RecordBatch,
    bad: NDArray[np.bool_],
    file: str,
    lines: NDArray[np.int64],
    column: str,
    expected: str,
) -> pa.Table:
    """Describe bad cells of one column, one row each, in REJECTED_SCHEMA."""
    rows = cells.filter(pa.array(bad))
    n_rows = rows.num_rows
    columns = [
        pa.array([file] * n_rows),
        pa.array(lines[bad]),
        pa.array([column] * n_rows),
        rows.column(column),
        pa.array([expected] * n_rows),
        pc.binary_join_element_wise(*[_quote(c) for c in rows.columns], ","),
    ]
    return pa.table(columns, schema=REJECTED_SCHEMA)


def reject_torn(file: str, torn: list[TornRow]) -> pa.Table:
    """Describe rows that could not be split into cells, one row each, in REJECTED_SCHEMA."""
    rows = [
        {
            "file": file,
            "line": row.line,
            "column": "",
            "found": row.found,
            "expected": row.expected,
            "row": row.text,
        }
        for row in torn
    ]
    return pa.Table.from_pylist(rows, schema=REJECTED_SCHEMA)


def _quote(cells: pa.StringArray) -> pa.StringArray:
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(cells, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(cells, '[,"\r\n]'), quoted, cells)
