"""Whatever is changed in the scores, a checksum of that column changes."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from propensity.scoring.records import SCORES_SCHEMA
from propensity.warehouse.scores.checksum import ID, PRIME, STEPS, VALUES, sum_columns

N_ROWS = 20
# lowest and highest value, in steps of the float columns; absent values are possible in NULLABLE
BOUNDS = {
    "fold": (0, 4),
    "response_known": (0, 1),
    "response": (0, 1),
    "is_control": (0, 1),
    "lead_rank": (1, PRIME - 1),
    "probability": (0, 2**24),
    "percentile": (0, 100 * 2**16),
    "decile": (1, 10),
    "predicted_response": (0, 1),
    "region_code": (0, PRIME - 2),
    "sales_channel": (0, PRIME - 2),
}
NULLABLE = ("response", "lead_rank", "region_code", "sales_channel")


def draw_value(name: str, rng: np.random.Generator) -> float | None:
    if name in NULLABLE and rng.random() < 0.3:
        return None
    low, high = BOUNDS[name]
    return int(rng.integers(low, high, endpoint=True)) / STEPS.get(name, 1)


def make_scores(rng: np.random.Generator) -> dict[str, list]:
    """Rows by column.

    The ids are random and far apart: among neighbours (1, 2, 3) three values of one column can be
    exchanged so that the differences cancel. A real mistake exchanges more.
    """
    ids = rng.choice(10**15, N_ROWS, replace=False).tolist()
    return {ID: ids} | {name: [draw_value(name, rng) for _ in range(N_ROWS)] for name in VALUES}


rngs = st.integers(0, 2**32).map(np.random.default_rng)
rows = st.integers(0, N_ROWS - 1)


def find_changed(before: dict[str, list], after: dict[str, list]) -> set[str]:
    first, second = (sum_columns(pa.table(c, SCORES_SCHEMA)) for c in (before, after))
    return {name for name in first if first[name] != second[name]}


@settings(deadline=None)
@given(rngs, st.sampled_from(VALUES), rows)
def test_one_cell_that_is_changed_changes_its_column_alone(rng, name, row):
    columns = make_scores(rng)
    changed = list(columns[name])
    while changed[row] == columns[name][row]:
        changed[row] = draw_value(name, rng)
    assert find_changed(columns, columns | {name: changed}) == {name}


@settings(deadline=None)
@given(rngs, st.integers(0, 10**15), rows)
def test_an_id_that_is_changed_is_found(rng, new, row):
    columns = make_scores(rng)
    assume((new - columns[ID][row]) % (PRIME - 1))
    ids = list(columns[ID])
    ids[row] = new
    assert ID in find_changed(columns, columns | {ID: ids})


@settings(deadline=None)
@given(rngs, st.lists(rows, min_size=2, max_size=2, unique=True))
def test_two_ids_that_change_places_change_every_column_that_differs(rng, pair):
    columns = make_scores(rng)
    first, second = pair
    ids = list(columns[ID])
    ids[first], ids[second] = ids[second], ids[first]
    differ = {name for name in VALUES if columns[name][first] != columns[name][second]}
    assert find_changed(columns, columns | {ID: ids}) == differ


@settings(deadline=None)
@given(rngs, st.sampled_from(VALUES), st.permutations(range(N_ROWS)))
def test_a_column_that_is_permuted_is_found(rng, name, order):
    columns = make_scores(rng)
    permuted = [columns[name][n] for n in order]
    assume(permuted != columns[name])
    assert find_changed(columns, columns | {name: permuted}) == {name}


def test_every_column_has_a_checksum():
    assert {ID, *VALUES} == set(SCORES_SCHEMA.names)
    assert set(BOUNDS) == set(VALUES)


@pytest.mark.parametrize("identifier", [0, PRIME - 2, PRIME - 1, PRIME, 2 * PRIME])
def test_no_id_is_without_weight(identifier):
    one = {ID: [identifier]} | {name: [1] for name in VALUES}
    assert find_changed(one, one | {"decile": [2]}) == {"decile"}
