"""The encoder: what it knows, what it does not, and that it survives its JSON."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from propensity.errors import ModelError
from propensity.ingest.contract import Contract, Rule, load_contract
from propensity.ingest.contract_column import Column
from propensity.model.encoder import MIN_ROWS_OF_VALUE, N_BINS, UNKNOWN, Encoder, fit_encoder

N = MIN_ROWS_OF_VALUE


def declare(**dtypes: str) -> Contract:
    """A contract whose names tell the role: c... is a category, n... is numeric."""
    roles = {"c": "category", "n": "numeric"}
    columns = [Column(name, roles[name[0]], dtype, "") for name, dtype in dtypes.items()]  # type: ignore[arg-type]
    return Contract("small", tuple(columns), Rule("", ()), "digest")


SMALL = declare(c_text="string", c_code="int32", n_years="int16", n_money="float64")


def make_rows(**changes: list[object]) -> pa.Table:
    columns = {
        "c_text": ["a"] * N + ["b"] * N + ["rare"] * (N - 1),
        "c_code": [7] * N + [-3] * N + [99] * (N - 1),
        "n_years": list(range(3 * N - 1)),
        "n_money": [0.5 * i for i in range(3 * N - 1)],
    } | changes
    return pa.table(
        {c.name: pa.chunked_array([pa.array(columns[c.name], c.arrow_type)]) for c in SMALL.columns}
    )


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return fit_encoder(make_rows(), SMALL)


def test_known_values_have_codes_and_rare_ones_have_none(encoder: Encoder) -> None:
    assert encoder.categories == {"c_text": ["a", "b"], "c_code": [-3, 7]}
    assert encoder.n_codes == [3, 3]


def test_codes_and_numbers_by_hand(encoder: Encoder) -> None:
    rows = pa.table(
        {
            "c_text": pa.array(["b", "a", "rare", "new", None]),
            "c_code": pa.array([7, -3, 99, 100, None], pa.int32()),
            "n_years": pa.array([1, 2, 3, 4, -5], pa.int16()),
            "n_money": pa.array([0.5, 1e6, 0.0, -1.0, 2.0]),
        }
    )
    codes, numbers = encoder.encode(rows)
    unknown = [UNKNOWN, UNKNOWN]
    assert codes.tolist() == [[2, 2], [1, 1], unknown, unknown, unknown]
    assert numbers.tolist() == [[1, 0.5], [2, 1e6], [3, 0], [4, -1], [-5, 2]]
    assert (codes.dtype, numbers.dtype) == (np.int32, np.float32)


def test_no_rows_are_encoded_to_no_rows(encoder: Encoder) -> None:
    codes, numbers = encoder.encode(make_rows().slice(0, 0))
    assert codes.shape == numbers.shape == (0, 2)


def test_blank_categories_are_unknown_not_a_value() -> None:
    encoder = fit_encoder(make_rows(c_text=["a"] * N + [None] * (2 * N - 1)), SMALL)
    assert encoder.categories["c_text"] == ["a"]


def test_edges_are_quantiles(encoder: Encoder) -> None:
    edges = encoder.edges["n_years"]
    assert len(edges) == N_BINS + 1
    assert (edges[0], edges[8], edges[-1]) == (0, 29, 58)


@pytest.mark.parametrize("constant", [0, 2630, -7])
def test_a_constant_column_has_one_bin(constant: int) -> None:
    encoder = fit_encoder(make_rows(n_years=[constant] * (3 * N - 1)), SMALL)
    assert encoder.edges["n_years"] == [constant, constant + 1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3 * N - 1, max_size=3 * N - 1))
def test_edges_increase_and_span_the_numbers(money: list[float]) -> None:
    edges = fit_encoder(make_rows(n_money=money), SMALL).edges["n_money"]
    assert (np.diff(edges) > 0).all()
    assert edges[0] == min(money)
    assert edges[-1] >= max(money)


def test_json_keeps_everything(encoder: Encoder, tmp_path: Path) -> None:
    encoder.save(tmp_path / "encoder.json")
    loaded = Encoder.load(tmp_path / "encoder.json", SMALL)
    assert loaded == encoder
    for own, other in zip(encoder.encode(make_rows()), loaded.encode(make_rows()), strict=True):
        assert np.array_equal(own, other)


@pytest.mark.parametrize(
    ("contract", "reason"),
    [
        (load_contract(), "encodes c_text, c_code, n_years, n_money"),
        (dataclasses.replace(SMALL, columns=SMALL.columns[::-1]), "encodes c_text, c_code"),
        (dataclasses.replace(SMALL, columns=SMALL.columns[1:]), "encodes c_text, c_code"),
        (
            declare(c_text="int32", c_code="int32", n_years="int16", n_money="float64"),
            "other types",
        ),
        (declare(c_text="string", c_code="string", n_years="int16", n_money="float64"), "another"),
    ],
    ids=["other columns", "other order", "one column less", "text is code now", "code is text now"],
)
def test_another_contract_is_refused(
    encoder: Encoder, tmp_path: Path, contract: Contract, reason: str
) -> None:
    encoder.save(tmp_path / "encoder.json")
    with pytest.raises(ModelError, match=reason):
        Encoder.load(tmp_path / "encoder.json", contract)
