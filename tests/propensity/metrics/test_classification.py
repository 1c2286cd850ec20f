"""Measures against scikit-learn, intervals by simulation, planted signal by order."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from propensity.metrics import classification
from propensity.metrics.catalog import AVERAGE_PRECISION
from propensity.metrics.classification import (
    compare_f1,
    compare_f1_of_kinds,
    measure_f1,
    resample_f1,
)
from propensity.metrics.evaluation import evaluate_baselines, evaluate_scores
from propensity.metrics.intervals import Interval, find_central_interval
from propensity.metrics.records import Evaluation
from propensity.metrics.threshold import predict_responses
from propensity.simulation.book import simulate_rows

N_ROWS = 20_000


def make_scored(strength: float, *, seed: int = 0, n_rows: int = N_ROWS) -> pd.DataFrame:
    """The response depends on x; the score knows x up to noise: the more strength, the less."""
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=(2, n_rows))
    response = (rng.random(n_rows) < expit(2 * x - 2.5)).astype(np.int8)
    probability = expit(strength * x + (1 - strength) * noise - 2.5).astype(np.float32)
    folds = rng.integers(0, 5, n_rows, dtype=np.int8)
    return pd.DataFrame({"response": response, "probability": probability, "fold": folds})


def evaluate(scored: pd.DataFrame, n_bootstrap: int = 20) -> Evaluation:
    return evaluate_scores(scored, seed=0, n_bootstrap=n_bootstrap)


@pytest.mark.parametrize("decimals", [9, 2], ids=["few ties", "many ties"])
def test_measures_are_those_of_scikit_learn(decimals: int) -> None:
    scored = make_scored(0.7)
    scored["probability"] = scored["probability"].round(decimals)
    quality = evaluate(scored)
    y, p, fold = (scored[c].to_numpy() for c in ("response", "probability", "fold"))
    predicted = predict_responses(p, fold, quality.thresholds)
    assert quality.n_labelled == N_ROWS
    assert quality.prevalence == pytest.approx(y.mean())
    assert quality.f1 == pytest.approx(f1_score(y, predicted))
    assert quality.metrics["precision"] == pytest.approx(precision_score(y, predicted))
    assert quality.metrics["recall"] == pytest.approx(recall_score(y, predicted))
    assert quality.metrics["average_precision"] == pytest.approx(average_precision_score(y, p))
    assert quality.metrics["roc_auc"] == pytest.approx(roc_auc_score(y, p))
    assert quality.metrics["brier"] == pytest.approx(brier_score_loss(y, p.astype(np.float64)))
    assert quality.metrics["brier"] == pytest.approx(np.mean((p.astype(np.float64) - y) ** 2))
    assert quality.mean_probability == pytest.approx(p.mean(dtype=np.float64))
    for value, interval in (
        (quality.f1, quality.f1_interval),
        (quality.metrics["average_precision"], quality.intervals["average_precision"]),
    ):
        assert interval.low < value < interval.high


def test_an_evaluation_holds_plain_numbers() -> None:
    values = dataclasses.asdict(evaluate(make_scored(0.7)))
    for interval in values.pop("intervals").values():
        assert {type(v) for v in interval.values()} == {float}
    assert {type(v) for v in values.pop("metrics").values()} == {float}
    assert {type(v) for v in values.pop("thresholds")} == {float}
    assert {type(v) for v in values.values()} == {int, float}


def test_the_same_rows_give_the_same_evaluation() -> None:
    scored = make_scored(0.7)
    assert evaluate(scored) == evaluate(scored)


# Planted signal


def test_the_stronger_the_signal_the_better() -> None:
    unrelated, weak, strong = (evaluate(make_scored(s)) for s in (0, 0.4, 1))
    assert unrelated.metrics["roc_auc"] < weak.metrics["roc_auc"] < strong.metrics["roc_auc"]
    assert (
        unrelated.metrics["average_precision"]
        < weak.metrics["average_precision"]
        < strong.metrics["average_precision"]
    )
    assert unrelated.f1_interval.high < weak.f1_interval.low
    assert weak.f1_interval.high < strong.f1_interval.low


def test_perfect_scores_have_f1_one() -> None:
    scored = make_scored(1)
    scored["probability"] = scored["response"].astype(np.float32)
    quality = evaluate(scored)
    assert quality.f1 == quality.metrics["precision"] == quality.metrics["recall"] == 1
    assert quality.metrics["roc_auc"] == quality.metrics["average_precision"] == 1
    assert quality.metrics["brier"] == quality.metrics["calibration_error"] == 0
    assert quality.f1_interval == Interval(1, 1)


def test_shuffled_labels_have_no_skill() -> None:
    scored = make_scored(1)
    scored["response"] = np.random.default_rng(9).permutation(scored["response"])
    quality = evaluate(scored)
    p = quality.prevalence
    assert quality.f1 == pytest.approx(2 * p / (1 + p), abs=0.01)
    assert quality.metrics["roc_auc"] == pytest.approx(0.5, abs=0.02)


def test_the_f1_of_a_fold_cannot_help_itself() -> None:
    # scores and responses of fold 0 are a world apart from the others: its own threshold would
    # reach F1 1 there, the threshold of the others calls everybody
    scored = make_scored(1, n_rows=1000)
    own = (0.9 + 0.05 * scored["response"]).astype(np.float32)
    scored["probability"] = np.where(scored["fold"] == 0, own, scored["probability"])
    quality = evaluate(scored)
    assert quality.thresholds[0] < 0.9
    assert quality.metrics["precision"] < 0.5


# Baselines


def test_baselines_by_hand() -> None:
    scored = pd.DataFrame(
        {
            "response": np.array([1, 1, 0, 0, 0, 0, 0, 0], dtype=np.int8),
            "follows_rule": [True, False, True, False, False, False, False, False],
        }
    )
    everyone, rule = evaluate_baselines(scored, "the rule")
    assert everyone.f1 == pytest.approx(2 * 0.25 / 1.25)  # 2p / (1 + p)
    assert (rule.description, rule.f1) == ("the rule", 0.5)  # 1 found, 2 called, 2 there


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=30))
def test_f1_is_that_of_scikit_learn(drawn: list[tuple[int, int]]) -> None:
    response, predicted = np.array(drawn, dtype=np.int8).T
    expected = f1_score(response, predicted, zero_division=0)
    assert measure_f1(response, predicted) == pytest.approx(expected)


# Bootstrap


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=40))
def test_resampled_average_precision_is_that_of_repeated_rows(
    drawn: list[tuple[int, int]],
) -> None:
    response, tick = np.array(drawn).T
    response[0] = 1
    order = np.argsort(-tick, kind="stable")
    ranked, scores = response[order], tick[order]
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    once = np.ones(len(ranked), dtype=np.int64)
    own = classification._average_precision(ranked, once, ends)
    assert own == pytest.approx(average_precision_score(response, tick))
    times = np.random.default_rng(len(drawn)).poisson(1.0, len(ranked))
    if (times * ranked).any():
        own = classification._average_precision(ranked, times, ends)
        repeated = np.repeat(ranked, times), np.repeat(scores, times)
        assert own == pytest.approx(average_precision_score(*repeated))


def draw_predictions(rng: np.random.Generator) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Prevalence 0.12; 60 % of the ones and 10 % of the zeros are called."""
    response = (rng.random(2000) < 0.12).astype(np.int8)
    called = rng.random(2000) < np.where(response, 0.6, 0.1)
    return response, called.astype(np.int8)


def test_f1_interval_covers_the_truth() -> None:
    found, called = 0.12 * 0.6, 0.12 * 0.6 + 0.88 * 0.1
    truth = 2 * found / (called + 0.12)
    rng = np.random.default_rng(5)
    n_covered = 0
    for _ in range(300):
        draws = resample_f1(rng, *draw_predictions(rng))
        interval = find_central_interval(draws)
        n_covered += interval.low <= truth <= interval.high
    # 285 expected; four standard errors are 15
    assert 270 <= n_covered <= 299


def test_average_precision_interval_has_the_width_of_the_sampling_error() -> None:
    samples = [
        evaluate(make_scored(0.8, seed=s, n_rows=2000))[AVERAGE_PRECISION] for s in range(60)
    ]
    interval = evaluate(make_scored(0.8, n_rows=2000), 200).intervals[AVERAGE_PRECISION.name]
    assert interval.high - interval.low == pytest.approx(4 * np.std(samples), rel=0.4)


def test_identical_predictions_differ_by_nothing() -> None:
    response, predicted = draw_predictions(np.random.default_rng(1))
    assert compare_f1(response, predicted, predicted, seed=0) == Interval(0, 0)


def test_a_clearly_better_prediction_is_above_zero_and_the_sign_follows() -> None:
    response, worse = draw_predictions(np.random.default_rng(1))
    better = np.where(np.arange(2000) < 1000, response, worse).astype(np.int8)
    interval = compare_f1(response, better, worse, seed=0)
    assert 0 < interval.low < measure_f1(response, better) - measure_f1(response, worse)
    assert measure_f1(response, better) - measure_f1(response, worse) < interval.high
    swapped = compare_f1(response, worse, better, seed=0)
    assert swapped.high < 0
    assert (-swapped.high, -swapped.low) == pytest.approx((interval.low, interval.high), abs=0.01)


def test_pairing_is_tighter_than_two_intervals() -> None:
    response, a = draw_predictions(np.random.default_rng(1))
    b = a.copy()
    b[:20] = 1 - b[:20]
    paired = compare_f1(response, a, b, seed=0)
    alone = find_central_interval(resample_f1(np.random.default_rng(0), response, a))
    assert paired.high - paired.low < (alone.high - alone.low) / 3


@settings(max_examples=20, deadline=None)
@given(low=st.floats(-1, 1), high=st.floats(-1, 1))
def test_an_interval_is_written_in_the_format_asked_for(low: float, high: float) -> None:
    assert f"{Interval(low, high):+.3f}" == f"{low:+.3f} to {high:+.3f}"


def evaluate_true(n_rows: int, weight: float) -> Evaluation:
    """Judge the simulator's true probabilities, their odds multiplied by a class weight."""
    rng = np.random.default_rng(0)
    _, true = simulate_rows(n_rows, rng)
    response = (rng.random(n_rows) < true).astype(np.int8)
    probability = expit(logit(true) + np.log(weight)).astype(np.float32)
    columns = {"response": response, "probability": probability, "fold": np.arange(n_rows) % 5}
    return evaluate_scores(pd.DataFrame(columns), seed=0, n_bootstrap=20)


def test_the_best_threshold_is_half_of_f1_only_where_probabilities_are_right() -> None:
    right, wrong = evaluate_true(60_000, 1.0), evaluate_true(60_000, 7.0)
    mean = sum(right.thresholds) / 5
    assert right.threshold_gap == pytest.approx(mean - right.f1 / 2)
    assert abs(right.threshold_gap) < right.threshold_gap_by_chance < 0.05
    assert wrong.threshold_gap > 5 * wrong.threshold_gap_by_chance
    slightly = evaluate_true(60_000, 1.5)
    assert slightly.threshold_gap > slightly.threshold_gap_by_chance


def test_chance_moves_the_threshold_less_in_larger_books() -> None:
    small = evaluate_true(8_000, 1.0)
    large = dataclasses.replace(small, n_labelled=64_000)
    ratio = small.threshold_gap_by_chance / large.threshold_gap_by_chance
    assert ratio == pytest.approx(2.0)


def test_a_higher_level_widens_an_interval() -> None:
    kinds = np.array([800, 30, 40, 60, 20, 15, 15, 20])
    levels = (0.5, 0.95, 0.999)
    narrow, usual, wide = (compare_f1_of_kinds(kinds, seed=0, level=x) for x in levels)
    assert wide.low < usual.low < narrow.low < narrow.high < usual.high < wide.high
    # of 10,000 draws 1 in 2,000 lies beyond each end; for a normal one that is 3.29 of its errors
    assert (wide.high - wide.low) / (usual.high - usual.low) == pytest.approx(3.29 / 1.96, rel=0.1)
