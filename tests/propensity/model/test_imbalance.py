"""What each strategy makes of the training rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from propensity.metrics.class_balance import balance_weights
from propensity.model.encoded_rows import N_PARTS, EncodedRows
from propensity.model.imbalance import plan_training
from propensity.settings import STRATEGIES

ZEROS, ONES = 319_553, 62_601
"""Of the article the project grew from."""


@pytest.fixture(scope="module")
def responses() -> np.ndarray:
    drawn = np.repeat(np.array([0, 1], dtype=np.int8), [ZEROS, ONES])
    return np.random.default_rng(0).permutation(drawn)


def encode(responses: np.ndarray) -> EncodedRows:
    """Rows with a category and a number, of parts by turns."""
    places = np.arange(len(responses))
    codes, numbers = (places % 3)[:, None].astype(np.int32), places[:, None].astype(np.float32)
    return EncodedRows(codes, numbers, responses, places % N_PARTS)


def test_undersampling_keeps_every_one_and_as_many_zeros(responses) -> None:
    rows = plan_training("undersample", encode(responses), seed=1).rows
    assert np.bincount(responses[rows]).tolist() == [ONES, ONES]
    assert len(np.unique(rows)) == len(rows)
    assert set(np.flatnonzero(responses)) <= set(rows)


def test_oversampling_keeps_every_row_and_repeats_ones_only(responses) -> None:
    rows = plan_training("oversample", encode(responses), seed=1).rows
    assert np.bincount(responses[rows]).tolist() == [ZEROS, ZEROS]
    times = np.bincount(rows, minlength=len(responses))
    assert (times[responses == 0] == 1).all()
    assert times[responses == 1].min() >= 1


@pytest.mark.parametrize("strategy", ["none", "class_weight", "focal", "soft_f1"])
def test_the_others_take_every_row_once(strategy, responses) -> None:
    plan = plan_training(strategy, encode(responses), seed=1)
    assert np.array_equal(plan.rows, np.arange(len(responses)))
    weights = balance_weights(responses) if strategy == "class_weight" else (1.0, 1.0)
    assert plan.class_weights == weights
    assert plan.loss == (strategy if strategy in ("focal", "soft_f1") else "cross_entropy")


@given(
    st.lists(st.integers(0, 1), min_size=4, max_size=60).filter(lambda r: 1 < sum(r) < len(r) - 1),
    st.sampled_from(STRATEGIES),
    st.integers(0, 5),
)
def test_what_has_to_be_corrected_is_what_was_done_to_the_odds(given_responses, strategy, seed):
    responses = np.array(given_responses)
    plan = plan_training(strategy, encode(responses), seed)
    learnt = encode(responses).append(plan.made).responses
    counted = np.bincount(learnt[plan.rows], minlength=2) * plan.class_weights
    source = np.bincount(responses, minlength=2)
    assert counted[1] / counted[0] == pytest.approx(
        source[1] / source[0] * plan.odds_weights[1] / plan.odds_weights[0]
    )


def test_the_draw_is_of_the_seed(responses) -> None:
    for strategy in ("undersample", "oversample"):
        rows = plan_training(strategy, encode(responses), seed=1).rows
        assert np.array_equal(rows, plan_training(strategy, encode(responses), seed=1).rows)
        assert not np.array_equal(rows, plan_training(strategy, encode(responses), seed=2).rows)
