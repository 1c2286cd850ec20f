"""Target statistics by hand, and that no row is shown its own response."""

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit

from propensity.model.encoder import Encoder
from propensity.model.network.layers import PairStatistics
from propensity.model.target_encoding import (
    N_PARTS,
    PRIOR_ROWS,
    Pairs,
    fit_statistics,
    pair_features,
)

ENCODER = Encoder({"c": ["a", "b"]}, {"x": [0.0, 2.0, 4.0], "y": [5.0, 6.0]})
PAIRS = pair_features(ENCODER)
Rows = tuple[NDArray[np.int32], NDArray[np.float32]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, (2000, 1), dtype=np.int32)
    return codes, rng.uniform(-1, 7, (2000, 2)).astype(np.float32)


def test_every_pair_has_a_table_and_numbers_are_cut_where_their_bins_meet() -> None:
    assert Pairs([[2.0], []], [3, 2, 1]) == PAIRS
    assert PAIRS.members == [(0, 1), (0, 2), (1, 2)]
    assert PAIRS.starts == [0, 6, 9, 11]


def test_cells_by_hand() -> None:
    codes = np.array([[0], [2], [1]], dtype=np.int32)
    numbers = np.array([[1.9, 5], [2.0, 5], [99, -3]], dtype=np.float32)
    assert PAIRS.find_cells(codes, numbers).tolist() == [[0, 6, 9], [5, 8, 10], [3, 7, 10]]


def test_the_layer_finds_the_same_cells(rows: Rows) -> None:
    layer = PairStatistics(PAIRS.cuts, PAIRS.sizes)
    layer.build(None)
    layer.set_weights([np.arange(PAIRS.starts[-1], dtype=np.float32)])
    found = layer(rows).numpy()
    assert np.array_equal(found, PAIRS.find_cells(*rows))
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.pairs == PAIRS


def test_statistics_are_smoothed_log_odds_without_the_own_part(rows: Rows) -> None:
    rng = np.random.default_rng(2)
    responses = rng.integers(0, 2, 2000)
    cells = PAIRS.find_cells(*rows)
    part = rng.integers(0, N_PARTS, 2000)
    table, own = fit_statistics(PAIRS, cells, responses, part)
    prior = PRIOR_ROWS * responses.mean()
    for pair in range(3):
        expected = np.empty(2000)
        for k in range(2000):
            others = responses[(cells[:, pair] == cells[k, pair]) & (part != part[k])]
            expected[k] = logit((others.sum() + prior) / (len(others) + PRIOR_ROWS))
        center, scale = expected.mean(), expected.std() + 1e-6
        assert own[:, pair] == pytest.approx((expected - center) / scale, abs=1e-4)
        for cell in np.unique(cells[:, pair]):
            alike = responses[cells[:, pair] == cell]
            share = (alike.sum() + prior) / (len(alike) + PRIOR_ROWS)
            assert table[cell] == pytest.approx((logit(share) - center) / scale, abs=1e-4)


def test_no_row_is_shown_its_own_response(rows: Rows) -> None:
    rng = np.random.default_rng(3)
    part, responses = rng.integers(0, N_PARTS, 2000), rng.integers(0, 2, 2000)
    cells = PAIRS.find_cells(*rows)
    _, own = fit_statistics(PAIRS, cells, responses, part)
    # two rows of one part exchange their responses: the prevalence and all other parts stay
    first = int(np.flatnonzero((part == 0) & (responses == 0))[0])
    second = int(np.flatnonzero((part == 0) & (responses == 1))[0])
    changed = responses.copy()
    changed[[first, second]] = changed[[second, first]]
    _, again = fit_statistics(PAIRS, cells, changed, part)
    rank = [np.argsort(np.argsort(s[part == 0], axis=0), axis=0) for s in (own, again)]
    assert np.array_equal(*rank)
    assert not np.array_equal(own[part == 1], again[part == 1])


def test_a_pair_of_features_with_too_many_values_is_left_out() -> None:
    pairs = Pairs([[2.0]], [3000, 2000, 2])
    assert pairs.members == [(0, 2), (1, 2)]
    assert pairs.starts == [0, 6000, 10_000]


def test_a_single_feature_has_no_pair() -> None:
    pairs, codes, none = Pairs([], [3]), np.zeros((5, 1), np.int32), np.zeros((5, 0), np.float32)
    layer = PairStatistics(pairs.cuts, pairs.sizes)
    assert pairs.find_cells(codes, none).shape == (5, 0)
    assert layer((codes, none)).shape == (5, 0)


def test_a_cell_that_nobody_was_in_holds_the_prevalence() -> None:
    cells, responses = np.zeros((100, 3), dtype=np.int32), np.arange(100) % 4 == 0
    table, own = fit_statistics(
        PAIRS, cells + PAIRS.starts[:-1], responses, np.arange(100) % N_PARTS
    )
    nobody = (logit(0.25) - logit(responses.mean())) / 1e-6
    assert np.isfinite(table).all()
    assert np.isfinite(own).all()
    assert np.ptp(table[1:6]) == nobody == 0
