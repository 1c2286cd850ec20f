"""The second step of calibration: it mends what is wrong and leaves alone what is right."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from propensity.calibration import measure_calibration_error
from propensity.calibration_curves import N_FREE, fit_curve
from propensity.folds import N_FOLDS
from propensity.recalibration import Recalibration, choose_family, recalibrate_if_better

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


def test_a_fold_is_recalibrated_by_what_the_others_answered() -> None:
    scored = draw(lambda p: expit(1.7 * logit(p) + 0.4))
    # only some: they must not ask for another family of curves, which is chosen on everybody
    some = (scored["fold"] == 2) & (scored.index % 50 == 0)
    turned = scored.assign(response=scored["response"].where(~some, 1 - scored["response"]))
    curves, others = recalibrate_if_better(scored).curves, recalibrate_if_better(turned).curves
    assert curves is not None
    assert others is not None
    assert curves[2] == others[2]
    assert curves[1] != others[1]


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


def test_zeros_and_ones_stay_finite() -> None:
    scored = draw(lambda p: (p > 0.2).astype(float))
    mended = apply(recalibrate_if_better(scored), scored)
    assert ((mended > 0) & (mended < 1)).all()
    assert measure_calibration_error(scored["response"].to_numpy(), mended) < 0.004
