"""Cells against the contract: which texts are values, which are not, and what is said of those."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from propensity.ingest.cell_checks import REJECTED_SCHEMA, check_rows, parse_column, reject_torn
from propensity.ingest.contract_column import Column
from propensity.ingest.csv_lines import TornRow

WHOLE = Column("Age", "numeric", "int16", "age", range=(18, 120))
CODE = Column("Region", "category", "int32", "region", range=(0, 9999))
ANY_INT8 = Column("Any", "numeric", "int8", "any")
ANY_INT64 = Column("Any", "numeric", "int64", "any")
REAL = Column("Premium", "numeric", "float64", "premium", range=(0, 10_000_000))
ANY_REAL = Column("Premium", "numeric", "float64", "premium")
LABEL = Column("Damage", "category", "string", "damage", domain=("No", "Yes"))
ANY_TEXT = Column("Name", "category", "string", "name")
FLAG = Column("Bought", "response", "int8", "bought", domain=(0, 1), optional=True)
BAD = object()


def parse(text: str, column: Column) -> object:
    values, bad = parse_column(pa.array([text]), column)
    assert values.type == column.arrow_type
    assert not (bad[0] and values[0].is_valid)
    return BAD if bad[0] else values[0].as_py()


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        (WHOLE, "44", 44), (WHOLE, "44.0", 44), (WHOLE, "44.", 44), (WHOLE, " 44.000\t", 44),
        (WHOLE, "044", 44), (WHOLE, "18", 18), (WHOLE, "120", 120),
        (WHOLE, "17", BAD), (WHOLE, "121", BAD), (WHOLE, "-44", BAD), (WHOLE, "44.5", BAD),
        (WHOLE, "4 4", BAD), (WHOLE, "4.4e1", BAD), (WHOLE, "+44", BAD), (WHOLE, "", BAD),
        (WHOLE, "nan", BAD), (WHOLE, "NA", BAD), (WHOLE, "null", BAD), (WHOLE, "0x2c", BAD),
        (WHOLE, "44,0", BAD), (WHOLE, "٤٤", BAD), (WHOLE, "44\ufffd", BAD), (WHOLE, "44\n45", BAD),
        (WHOLE, "70000", BAD), (WHOLE, "65580", BAD), (WHOLE, "9" * 30, BAD),  # 65580 - 65536 = 44
        (CODE, "28.0", 28), (CODE, "28.5", BAD), (CODE, "0", 0), (CODE, "-0", 0), (CODE, "-1", BAD),
        (ANY_INT8, "-128", -128), (ANY_INT8, "128", BAD), (ANY_INT8, "300", BAD),
        (ANY_INT64, "999999999999999999", 10**18 - 1), (ANY_INT64, "9007199254740993", 2**53 + 1),
        (REAL, "2630.0", 2630.0), (REAL, "1e3", 1000.0), (REAL, "1E+3", 1000.0), (REAL, ".5", 0.5),
        (REAL, "5.", 5.0), (REAL, "0", 0.0), (REAL, "10000000", 1e7), (REAL, "10000000.01", BAD),
        (REAL, "-0.01", BAD), (REAL, "nan", BAD), (REAL, "inf", BAD), (REAL, "-inf", BAD),
        (REAL, "1e999", BAD), (REAL, "1e9999", BAD), (REAL, "9" * 400, BAD), (REAL, "1_000", BAD),
        (REAL, "1,000", BAD), (REAL, "0x1p3", BAD), (REAL, ".", BAD), (REAL, "e3", BAD),
        (REAL, "", BAD), (REAL, "1 000", BAD), (REAL, "€5", BAD),
        (ANY_REAL, "-2.5e-3", -0.0025), (ANY_REAL, "1e999", BAD), (ANY_REAL, "nan", BAD),
        (LABEL, "Yes", "Yes"), (LABEL, " Yes ", "Yes"), (LABEL, "yes", BAD), (LABEL, "", BAD),
        (LABEL, "Yes\u00a0", BAD), (LABEL, "Y", BAD), (LABEL, "Yes\x00", BAD),
        (ANY_TEXT, "Müller", "Müller"), (ANY_TEXT, "M\ufffdller", BAD), (ANY_TEXT, " ", BAD),
        (FLAG, "1", 1), (FLAG, "0.0", 0), (FLAG, "", None), (FLAG, "  ", None), (FLAG, "2", BAD),
        (FLAG, "-1", BAD), (FLAG, "0.5", BAD), (FLAG, "Yes", BAD), (FLAG, "NA", BAD),
    ],
)  # fmt: skip
def test_parses(column: Column, text: str, value: object) -> None:
    assert parse(text, column) == value


@given(st.floats(-1e300, 1e300))
def test_every_spelling_of_a_float_survives(value: float) -> None:
    assert parse(repr(value), ANY_REAL) == value


@given(st.integers(-(10**18) + 1, 10**18 - 1), st.sampled_from(["", ".", ".0", ".000"]))
def test_every_whole_number_survives(value: int, tail: str) -> None:
    assert parse(f"{value}{tail}", ANY_INT64) == value


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8), st.sampled_from([WHOLE, REAL])
)
def test_any_text_is_a_number_in_range_or_bad(text: str, column: Column) -> None:
    value = parse(text, column)
    assert value is BAD or column.range[0] <= float(text) == value <= column.range[1]


def test_a_whole_column_keeps_its_order() -> None:
    values, bad = parse_column(pa.array(["30", "x", "20", "30", "", "20.0"]), WHOLE)
    assert values.to_pylist() == [30, None, 20, 30, None, 20]
    assert bad.tolist() == [False, True, False, False, True, False]


@pytest.fixture
def cells(contract, line):
    """Three rows: sound, two bad cells, one bad cell."""
    rows = [line(1), line(2, Age="17", Gender="male"), line(3, Response="maybe")]
    columns = zip(*(row.split(",") for row in rows), strict=True)
    names = [c.name for c in contract.columns]
    return pa.RecordBatch.from_arrays([pa.array(c) for c in columns], names=names)


def test_each_bad_cell_is_described(contract, cells, line) -> None:
    typed, bad, rejected = check_rows(cells, contract, "a.csv", np.array([2, 5, 9]))
    assert bad.tolist() == [False, True, True]
    assert typed["Age"].to_pylist() == [44, None, 44]
    assert rejected.schema == REJECTED_SCHEMA
    told = {(r["line"], r["column"], r["found"], r["expected"]) for r in rejected.to_pylist()}
    assert told == {
        (5, "Age", "17", "a whole number from 18 to 120 years"),
        (5, "Gender", "male", "one of 'Female', 'Male'"),
        (9, "Response", "maybe", "one of 0, 1, or blank"),
    }
    assert set(rejected["file"].to_pylist()) == {"a.csv"}
    assert set(rejected["row"].to_pylist()[-1:]) == {line(3, Response="maybe")}


def test_a_missing_optional_column_is_all_unknown(contract, cells) -> None:
    without = pa.RecordBatch.from_arrays(cells.columns[:-1], names=cells.schema.names[:-1])
    typed, bad, _ = check_rows(without, contract, "a.csv", np.array([2, 5, 9]))
    assert typed["response"].to_pylist() == [None] * 3
    assert typed["response"].type == pa.int8()
    assert bad.tolist() == [False, True, False]


def test_the_rejected_row_is_csv_again(contract, cells) -> None:
    gender = pa.array(["Male", 'a "b", c', "Male"])
    quoted = cells.set_column(1, "Gender", gender)
    _, _, rejected = check_rows(quoted, contract, "a.csv", np.array([2, 3, 4]))
    row = next(r for r in rejected.to_pylist() if r["column"] == "Gender")
    assert row["found"] == 'a "b", c'
    assert row["row"].startswith('2,"a ""b"", c",17,')


def test_no_rows_no_complaints(contract, cells) -> None:
    typed, bad, rejected = check_rows(cells.slice(0, 0), contract, "a.csv", np.array([], int))
    assert (typed.num_rows, len(bad), rejected.num_rows) == (0, 0, 0)
    assert typed.schema == pa.schema(list(contract.schema)[:-1])
    assert reject_torn("a.csv", []).schema == REJECTED_SCHEMA


def test_torn_rows_are_described() -> None:
    torn = [TornRow(7, "2 fields", "12 fields", "1,2")]
    assert reject_torn("a.csv", torn).to_pylist() == [
        {
            "file": "a.csv", "line": 7, "column": "", "found": "2 fields",
            "expected": "12 fields", "row": "1,2",
        },
    ]  # fmt: skip
