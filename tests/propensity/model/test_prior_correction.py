"""Prior correction and calibration error, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, logit

from propensity.metrics.calibration_error import measure_calibration_error
from propensity.model.prior_correction import (
    FOCUS,
    correct_prior,
    smooth_probabilities,
    undo_focal_loss,
)

weight = st.floats(0.05, 20)


@settings(deadline=None)
@given(truth=st.floats(1e-4, 1 - 1e-4), w0=weight, w1=weight)
def test_the_weighted_optimum_is_mapped_back_to_the_truth(
    truth: float, w0: float, w1: float
) -> None:
    # the p that minimises -w1 t log p - w0 (1 - t) log(1 - p) is w1 t / (w1 t + w0 (1 - t))
    learnt = w1 * truth / (w1 * truth + w0 * (1 - truth))
    corrected = correct_prior(np.array([logit(learnt)]), w0, w1)
    assert corrected == pytest.approx(truth, rel=1e-4)


@settings(deadline=None)
@given(logits=st.lists(st.floats(-12, 8, width=32), min_size=2, max_size=50), w0=weight, w1=weight)
def test_the_order_does_not_change(logits: list[float], w0: float, w1: float) -> None:
    ranked = np.sort(np.array(logits, dtype=np.float32))
    assert (np.diff(correct_prior(ranked, w0, w1)) >= 0).all()


@settings(deadline=None)
@given(logits=st.lists(st.floats(-12, 8, width=32), min_size=1, max_size=50), w0=weight, w1=weight)
def test_swapped_weights_undo_the_correction(logits: list[float], w0: float, w1: float) -> None:
    given_logits = np.array(logits)
    there = logit(correct_prior(given_logits, w0, w1).astype(np.float64))
    back = correct_prior(there, w1, w0)
    assert back == pytest.approx(expit(given_logits), rel=1e-2)


def test_equal_weights_correct_nothing() -> None:
    logits = np.array([-3.0, 0.0, 2.0], dtype=np.float32)
    corrected = correct_prior(logits, 2.0, 2.0)
    assert corrected.dtype == np.float32
    assert corrected == pytest.approx(expit(logits))


def test_smoothing_by_hand() -> None:
    # 900 rows, 90 ones, 10 average rows: (900 p + 10 * 0.1) / 910
    smoothed = smooth_probabilities(np.array([0.0, 0.1, 0.5, 1.0]), 900, 90)
    assert smoothed.dtype == np.float32
    assert smoothed == pytest.approx([1 / 910, 0.1, 451 / 910, 901 / 910])


@settings(deadline=None)
@given(
    scores=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50),
    n_rows=st.integers(1, 10**8),
    ones=st.floats(0, 1),
)
def test_smoothing_keeps_the_order_and_only_draws_inwards(
    scores: list[float], n_rows: int, ones: float
) -> None:
    ranked, n_ones = np.sort(np.array(scores, dtype=np.float32)), int(ones * n_rows)
    smoothed = smooth_probabilities(ranked, n_rows, n_ones)
    assert (np.diff(smoothed) >= 0).all()
    prevalence = n_ones / n_rows
    assert (np.abs(smoothed - prevalence) <= np.abs(ranked - prevalence) + 1e-6).all()


def test_perfect_bins_have_no_error() -> None:
    responses = np.tile([1, 0, 0, 0, 1, 1, 1, 0], 100)
    probabilities = np.tile([0.25] * 4 + [0.75] * 4, 100)
    assert measure_calibration_error(responses, probabilities) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("n_bins", "expected"),
    [
        (1, 0.05),  # |0.1 + 0.2 + 0.7 + 0.8 - 2| / 4
        (2, 0.3),  # (|0.1 + 0.2 - 1| + |0.7 + 0.8 - 1|) / 4
        (4, 0.5),  # (0.1 + 0.8 + 0.3 + 0.8) / 4
    ],
)
def test_error_by_hand(n_bins: int, expected: float) -> None:
    responses, probabilities = np.array([0, 1, 1, 0]), np.array([0.1, 0.2, 0.7, 0.8])
    assert measure_calibration_error(responses, probabilities, n_bins) == pytest.approx(expected)


def test_row_order_does_not_matter_although_probabilities_are_equal() -> None:
    responses = np.repeat([0, 1], 500)
    constant = np.full(1000, 0.5, dtype=np.float32)
    assert measure_calibration_error(responses, constant) == pytest.approx(0)
    assert measure_calibration_error(responses, constant + 0.25) == pytest.approx(0.25)


@pytest.mark.parametrize("truth", [1e-4, 0.01, 0.12, 0.3, 0.5, 0.9, 0.999])
def test_focal_loss_is_undone_where_its_expectation_is_least(truth: float) -> None:
    def expected_loss(z: float) -> float:
        q = expit(z)
        of_a_yes, of_a_no = (1 - q) ** FOCUS * -log_expit(z), q**FOCUS * -log_expit(-z)
        return float(truth * of_a_yes + (1 - truth) * of_a_no)

    options = {"xatol": 1e-10}
    learnt = minimize_scalar(expected_loss, bounds=(-20, 20), method="bounded", options=options).x
    assert abs(expit(learnt) - truth) > 1e-3 or truth == 0.5, "focal loss is not proper"
    assert expit(undo_focal_loss(np.array([learnt])))[0] == pytest.approx(truth, rel=1e-5)


def test_undoing_focal_loss_changes_no_rank_however_sure_the_network_is() -> None:
    undone = undo_focal_loss(np.linspace(-80, 80, 4001))
    assert np.isfinite(undone).all()
    assert (np.diff(undone) > 0).all()
