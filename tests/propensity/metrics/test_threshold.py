"""The decision threshold against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_curve

from propensity.metrics.threshold import choose_threshold, choose_thresholds, predict_responses

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
def test_it_is_the_middle_of_those_within_a_standard_error_of_the_best(
    drawn: list[tuple[int, int, int]],
) -> None:
    response, probability, _ = unpack(drawn)
    falling = np.unique(probability)[::-1]
    called = [probability >= t for t in falling]
    f1 = np.array([2 * response[c].sum() / (c.sum() + response.sum()) for c in called])
    assert f1 == pytest.approx([f1_score(response, c) for c in called])
    error = np.sqrt(f1.max() * (1 - f1.max()) / response.sum())
    near = falling[f1 >= f1.max() - error]
    assert np.float32(choose_threshold(response, probability)) == near[len(near) // 2]


def test_its_f1_is_near_the_best_of_the_precision_recall_curve() -> None:
    response, probability, _ = draw_book(1, 100_000)
    precision, recall, _ = precision_recall_curve(response, probability)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    own = f1_score(response, probability >= np.float32(choose_threshold(response, probability)))
    assert f1.max() - 0.002 < own <= f1.max()


def test_it_strays_less_from_book_to_book_than_the_best() -> None:
    chosen, best = [], []
    for seed in range(40):
        response, probability, _ = draw_book(seed)
        precision, recall, thresholds = precision_recall_curve(response, probability)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        best.append(thresholds[np.argmax(f1[:-1])])
        chosen.append(choose_threshold(response, probability))
    assert np.std(chosen) < 0.7 * np.std(best)


def test_equal_probabilities_are_called_together() -> None:
    # alone, the first rows would be best: but their twins said no
    response = np.repeat(np.array([1, 0, 1, 0, 0], dtype=np.int8), 100)
    probability = np.repeat(np.array([0.9, 0.9, 0.5, 0.2, 0.1], dtype=np.float32), 100)
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
