"""The second step of calibration: it mends what is wrong and leaves alone what is right."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from propensity.evaluation.calibration_curves import AS_IT_IS, N_FREE, fit_curve
from propensity.evaluation.recalibration import (
    Recalibration,
    choose_family,
    learn_curves,
    recalibrate_if_better,
)
from propensity.folds import N_FOLDS
from propensity.metrics.calibration_error import measure_calibration_error

N = 60_000


def draw(distort, seed: int = 0) -> pd.DataFrame:
    """Responses of known probability, and scores that are a distortion of it."""
    rng = np.random.default_rng(seed)
    truth = expit(rng.normal(-2.5, 1.3, N))
    return pd.DataFrame(
        {
            "response": (rng.random(N) < truth).astype(np.int8),
            "probability": distort(truth).astype(np.float32),
            "fold": rng.integers(0, N_FOLDS, N),
            "truth": truth,
        }
    )


def apply(found: Recalibration, scored: pd.DataFrame) -> np.ndarray:
    return found.apply(scored["probability"].to_numpy(), scored["fold"].to_numpy())


def test_scores_that_are_right_are_left_alone() -> None:
    kept = [recalibrate_if_better(draw(lambda p: p, seed)).curves is None for seed in range(20)]
    assert sum(kept) >= 18
    scored = draw(lambda p: p)
    assert np.array_equal(apply(Recalibration(), scored), scored["probability"])


def test_the_simplest_family_that_is_enough_is_chosen() -> None:
    def choose(distort) -> str | None:
        scored = draw(distort)
        return choose_family(scored["response"].to_numpy(), scored["probability"].to_numpy())

    assert choose(lambda p: p) is None
    assert choose(lambda p: expit(1.7 * logit(p) + 0.4)) == "beta"
    assert choose(lambda p: expit(logit(p) + np.sin(2 * logit(p)) / 2)) == "spline"


def test_a_slight_exaggeration_of_a_small_book_is_found_and_mended() -> None:
    """The interval of the fall in log loss lies above 0 in half of these books only."""
    nearer = []
    for seed in range(10):
        scored = draw(lambda p: expit(1.08 * logit(p) + 0.16), seed)
        before, truth = scored["probability"], scored["truth"]
        after = apply(recalibrate_if_better(scored), scored)
        nearer.append(abs(after - truth).mean() < 0.8 * abs(before - truth).mean())
    assert sum(nearer) >= 9


@pytest.mark.parametrize(
    "distort",
    [
        lambda p: expit(1.7 * logit(p) + 0.4),  # learnt too much
        lambda p: p**2,
        lambda p: expit(8 * logit(p) + 12),  # nearly 0 or 1, as soft F1 makes them
    ],
)
def test_distorted_scores_become_probabilities_and_keep_their_order(distort) -> None:
    scored = draw(distort)
    response = scored["response"].to_numpy()
    found = recalibrate_if_better(scored)
    mended = apply(found, scored)
    before = measure_calibration_error(response, scored["probability"].to_numpy())
    after = measure_calibration_error(response, mended)
    by_chance = measure_calibration_error(response, scored["truth"].to_numpy())
    assert after < by_chance + 0.001 < before
    assert abs(mended - scored["truth"]).mean() < 0.006
    for k in range(N_FOLDS):
        mine = scored["fold"].to_numpy() == k
        order = np.argsort(scored["probability"].to_numpy()[mine], kind="stable")
        assert (np.diff(mended[mine][order]) >= 0).all()


@pytest.mark.parametrize("family", N_FREE)
def test_a_fold_is_recalibrated_by_what_the_others_answered(family) -> None:
    scored = draw(lambda p: expit(1.7 * logit(p) + 0.4))
    response, fold = scored["response"].to_numpy(), scored["fold"].to_numpy()
    turned = np.where(fold == 2, 1 - response, response)
    curves, others = (
        learn_curves(r, scored["probability"].to_numpy(), fold, family).curves
        for r in (response, turned)
    )
    assert curves is not None
    assert others is not None
    assert curves[2] == others[2]
    assert curves[1] != others[1]
    if family == "beta":
        assert curves == recalibrate_if_better(scored).curves


def test_one_member_that_is_wrong_does_not_bend_the_others() -> None:
    """The curve of its fold comes from folds that are right, and theirs partly from its own."""
    scored = draw(lambda p: p)
    wrong = expit(logit(scored["truth"]) + 0.8)
    bad = scored.assign(probability=wrong.where(scored["fold"] == 0, scored["truth"]))
    assert choose_family(bad["response"].to_numpy(), bad["probability"].to_numpy()) is not None
    assert recalibrate_if_better(bad).curves is None


def test_responses_of_one_kind_teach_nothing() -> None:
    scored = draw(lambda p: expit(1.7 * logit(p) + 0.4))
    alone = scored.assign(response=scored["response"].where(scored["fold"] == 0, 0))
    curves = learn_curves(
        *(alone[c].to_numpy() for c in ("response", "probability", "fold")), "beta"
    ).curves
    assert curves is not None
    assert curves[0] == AS_IT_IS
    assert curves[1] != AS_IT_IS


def test_a_score_that_decides_all_stays_a_probability() -> None:
    scored = draw(lambda p: p)
    sure = scored.assign(response=(scored["truth"] > 0.1).astype(np.int8))
    mended = apply(recalibrate_if_better(sure), sure)
    assert np.isfinite(logit(mended.astype(float))).all()
    assert (mended[sure["response"] == 1] > 0.9).mean() > 0.95


@pytest.mark.parametrize("family", N_FREE)
def test_noise_that_ranks_the_wrong_way_round_says_the_prevalence(family) -> None:
    scored = draw(lambda p: 1 - p)
    _, after = fit_curve(scored["response"].to_numpy(), scored["probability"].to_numpy(), family)
    assert expit(after) == pytest.approx(scored["response"].mean(), rel=0.02)
    assert (np.diff(after) > 0).all()  # and still tells whom to call first


def test_scores_that_are_all_alike_say_the_prevalence() -> None:
    scored = draw(lambda p: np.full_like(p, 0.4))
    mended = apply(recalibrate_if_better(scored), scored)
    assert mended == pytest.approx(scored["response"].mean(), rel=0.02)


def test_beyond_what_was_learnt_from_a_curve_goes_on_straight() -> None:
    bent = Recalibration((((-2.0, 0.0), (-3.0, 1.0)),) * N_FOLDS)
    logits = np.array([-5.0, -2.0, -1.0, 0.0, 2.0])
    found = bent.apply(expit(logits), np.arange(5))
    assert logit(found) == pytest.approx([-6.0, -3.0, -1.0, 1.0, 3.0], abs=1e-4)


@pytest.mark.parametrize("family", N_FREE)
def test_a_curve_reaches_from_the_least_score_to_the_largest(family) -> None:
    scored = draw(lambda p: expit(1.7 * logit(p) + 0.4))
    response, probability = (scored[c].to_numpy() for c in ("response", "probability"))
    before, _ = fit_curve(response, probability, family)
    ends = logit(probability.astype(float).min()), logit(probability.astype(float).max())
    assert (before[0], before[-1]) == pytest.approx(ends)


def test_zeros_and_ones_stay_finite() -> None:
    scored = draw(lambda p: (p > 0.2).astype(float))
    mended = apply(recalibrate_if_better(scored), scored)
    assert ((mended > 0) & (mended < 1)).all()
    assert measure_calibration_error(scored["response"].to_numpy(), mended) < 0.004
