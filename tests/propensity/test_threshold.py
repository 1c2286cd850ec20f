"""The decision threshold against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_curve

from propensity.threshold import choose_threshold, choose_thresholds, predict_responses

# few distinct values: many ties
rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 12), st.integers(0, 4)), min_size=1, max_size=60
).filter(lambda r: any(y for y, _, _ in r))


def unpack(drawn: list[tuple[int, int, int]]) -> tuple[NDArray[np.int8], ...]:
    response, tick, fold = np.array(drawn, dtype=np.int8).T
    return response, (tick / np.float32(12.3)).astype(np.float32), fold


def draw_book(seed: int, n_rows: int = 2000) -> tuple[NDArray[np.int8], ...]:
    rng = np.random.default_rng(seed)
    probability = rng.random(n_rows, dtype=np.float32)
    response = (rng.random(n_rows) < probability).astype(np.int8)
    return response, probability, rng.integers(0, 5, n_rows, dtype=np.int8)


@settings(deadline=None)
@given(rows)
def test_no_threshold_is_better(drawn: list[tuple[int, int, int]]) -> None:
    response, probability, _ = unpack(drawn)
    chosen = choose_threshold(response, probability)
    own = f1_score(response, probability >= np.float32(chosen))
    all_f1 = [f1_score(response, probability >= t) for t in np.unique(probability)]
    assert own == pytest.approx(max(all_f1))
    assert np.float32(chosen) in probability


def test_best_f1_is_that_of_the_precision_recall_curve() -> None:
    response, probability, _ = draw_book(1)
    precision, recall, _ = precision_recall_curve(response, probability)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    chosen = choose_threshold(response, probability)
    assert f1_score(response, probability >= np.float32(chosen)) == pytest.approx(f1.max())


def test_equal_probabilities_are_called_together() -> None:
    # alone, the first row would be best: but its twin said no
    response = np.array([1, 0, 1, 0, 0], dtype=np.int8)
    probability = np.array([0.9, 0.9, 0.5, 0.2, 0.1], dtype=np.float32)
    assert choose_threshold(response, probability) == np.float32(0.5)


def test_for_calibrated_scores_the_threshold_is_half_the_best_f1() -> None:
    # Lipton, Elkan, Narayanaswamy 2014
    response, probability, _ = draw_book(2, 400_000)
    chosen = choose_threshold(response, probability)
    best = f1_score(response, probability >= np.float32(chosen))
    assert chosen == pytest.approx(best / 2, abs=0.02)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_row_a_threshold_was_taken_from_is_called(seed: int) -> None:
    probability = np.random.default_rng(seed).random(5, dtype=np.float32)
    folds = np.arange(5, dtype=np.int8)
    own = tuple(float(p) for p in probability)
    above = tuple(float(np.nextafter(p, np.float32(2))) for p in probability)
    assert predict_responses(probability, folds, own).tolist() == [1] * 5
    assert predict_responses(probability, folds, above).tolist() == [0] * 5


def test_each_row_is_judged_by_the_threshold_of_its_fold() -> None:
    probability = np.array([0.3, 0.3, 0.3], dtype=np.float32)
    predicted = predict_responses(probability, np.array([0, 1, 2]), (0.2, 0.3, 0.4))
    assert predicted.tolist() == [1, 1, 0]
    assert predicted.dtype == np.int8


@pytest.mark.parametrize("fold", range(5))
def test_the_threshold_of_a_fold_rests_on_the_other_folds(fold: int) -> None:
    response, probability, folds = draw_book(3)
    before = choose_thresholds(response, probability, folds, 5)
    flipped = np.where(folds == fold, 1 - response, response)
    after = choose_thresholds(flipped, probability, folds, 5)
    assert after[fold] == before[fold]
    assert sum(a != b for a, b in zip(after, before, strict=True)) == 4
    assert before[fold] == choose_threshold(response[folds != fold], probability[folds != fold])
