"""Buyers to expect in each tenth, against those there were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from propensity.evaluation.deciles import compare_buyers
from propensity.simulation.book import simulate_rows


def test_a_tenth_by_hand() -> None:
    response = np.zeros(1000, dtype=np.int8)
    response[:60] = 1
    probability = np.repeat(np.array([0.5, 0.1], dtype=np.float32), [100, 900])
    best, rest = compare_buyers(response, probability)
    assert (best.decile, best.n_rows, best.actual_buyers) == (1, 100, 60)
    assert best.expected_buyers == 50
    # 1.96 * sqrt(100 * 0.5 * 0.5) = 9.8
    assert (best.interval.low, best.interval.high) == pytest.approx((40.2, 59.8), abs=0.001)
    assert not best.agrees
    assert (rest.n_rows, rest.actual_buyers, rest.agrees) == (900, 0, False)


@pytest.mark.parametrize(("actual", "agrees"), [(40, False), (41, True), (59, True), (60, False)])
def test_it_agrees_inside_the_interval(actual: int, agrees: bool) -> None:
    response = (np.arange(100) < actual).astype(np.int8)
    (only,) = compare_buyers(response, np.full(100, 0.5))
    assert only.agrees is agrees


@given(st.integers(10, 3000), st.integers(1, 50), st.integers(0, 9))
def test_tenths_hold_everybody_the_best_first(n: int, n_values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability = rng.integers(1, n_values + 1, n) / (n_values + 1)
    response = (rng.random(n) < probability).astype(np.int8)
    order = rng.permutation(n)
    deciles = compare_buyers(response, probability)
    assert sum(d.n_rows for d in deciles) == n
    assert sum(d.actual_buyers for d in deciles) == response.sum()
    assert sum(d.expected_buyers for d in deciles) == pytest.approx(probability.sum())
    means = [d.expected_buyers / d.n_rows for d in deciles]
    assert means == sorted(means, reverse=True)
    assert [d.decile for d in deciles] == list(range(1, len(deciles) + 1))
    assert compare_buyers(response[order], probability[order]) == deciles


def test_true_probabilities_agree_in_95_per_cent_and_exaggerated_ones_do_not() -> None:
    rng = np.random.default_rng(0)
    _, true = simulate_rows(20_000, rng)
    agree, agree_exaggerated = [], []
    for _ in range(60):
        response = (rng.random(len(true)) < true).astype(np.int8)
        agree += [d.agrees for d in compare_buyers(response, true)]
        agree_exaggerated += [d.agrees for d in compare_buyers(response, 1.15 * true)[:3]]
    assert len(agree) == 600
    # 95 % give or take 2.7 standard errors
    assert np.mean(agree) == pytest.approx(0.95, abs=0.024)
    assert np.mean(agree_exaggerated) < 0.1
