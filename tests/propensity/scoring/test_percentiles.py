"""Percentiles against pandas, deciles by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from propensity.scoring.percentiles import ProbabilityRanks, find_deciles

N_ROWS = 200_000


@pytest.fixture(scope="module")
def probabilities() -> NDArray[np.float32]:
    return np.random.default_rng(1).beta(0.5, 4, N_ROWS).astype(np.float32)


@pytest.fixture(scope="module")
def percentiles(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    return rank(probabilities)


def rank(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    ranks = ProbabilityRanks()
    ranks.add(probabilities)
    return ranks.find_percentiles(probabilities)


def test_percentiles_are_pandas_ranks(
    probabilities: NDArray[np.float32], percentiles: NDArray[np.float64]
) -> None:
    expected = 100 * pd.Series(probabilities).rank(pct=True, method="max")
    assert percentiles == pytest.approx(expected, abs=0.01)
    assert percentiles.max() == 100


def test_far_apart_percentiles_are_exact() -> None:
    probabilities = np.array([0.5, 0.0, 1.0, 0.5, 1e-20], dtype=np.float32)
    assert rank(probabilities).tolist() == [80, 20, 100, 80, 40]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=40))
def test_percentiles_follow_the_probabilities(drawn: list[float]) -> None:
    probabilities = np.sort(np.array(drawn, dtype=np.float32))
    percentiles = rank(probabilities)
    assert (np.diff(percentiles) >= 0).all()
    assert (np.diff(percentiles)[np.diff(probabilities) == 0] == 0).all()
    assert 0 < percentiles[0] <= percentiles[-1] == 100


def test_batches_count_as_one_book(
    probabilities: NDArray[np.float32], percentiles: NDArray[np.float64]
) -> None:
    ranks = ProbabilityRanks()
    for batch in np.array_split(probabilities, 7):
        ranks.add(batch)
        ranks.find_percentiles(batch)  # asking between two batches must not freeze the answer
    assert np.array_equal(ranks.find_percentiles(probabilities), percentiles)


def test_memory_does_not_grow_with_the_book(probabilities: NDArray[np.float32]) -> None:
    ranks = ProbabilityRanks()
    before = ranks._counts.nbytes
    ranks.add(probabilities)
    ranks.find_percentiles(probabilities[:10])
    assert ranks._counts.nbytes == before < 20e6
    assert sum(v.nbytes for v in vars(ranks).values()) == 2 * before


@pytest.mark.parametrize(
    ("percentile", "decile"),
    [(100, 1), (90.001, 1), (90, 2), (80, 3), (50, 6), (10.1, 9), (10, 10), (0.001, 10)],
)
def test_deciles_by_hand(percentile: float, decile: int) -> None:
    assert find_deciles(np.array([percentile])).tolist() == [decile]


def test_deciles_are_tenths_of_the_book(percentiles: NDArray[np.float64]) -> None:
    sizes = np.bincount(find_deciles(percentiles), minlength=11)
    assert sizes[0] == 0
    assert sizes[1:] == pytest.approx(N_ROWS / 10, rel=0.001)
    exact = find_deciles(rank(np.linspace(0.01, 1, 100, dtype=np.float32)))
    assert np.bincount(exact)[1:].tolist() == [10] * 10
