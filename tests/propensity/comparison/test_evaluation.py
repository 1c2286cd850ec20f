"""Judging the arms: figures by scikit-learn, order by planted skill, a conclusion by intervals."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

from propensity.comparison.evaluation import compare_arms, conclude, judge_arm, judge_decisions
from propensity.comparison.records import ComparedArm, Comparison
from propensity.comparison.training import ScoredArm
from propensity.folds import N_FOLDS
from propensity.metrics.classification import compare_f1
from propensity.metrics.intervals import Interval
from propensity.model.prior_correction import correct_prior
from propensity.settings import NightlyConfig

N = 30_000
CONFIG = NightlyConfig(n_bootstrap=20)
AS_OF = dt.date(2026, 11, 1)


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    p = expit(rng.normal(-2.8, 1.8, N))
    response = (rng.random(N) < p).astype(np.int8)
    fold = rng.integers(0, N_FOLDS, N)
    return pd.DataFrame({"policyholder_id": range(N), "fold": fold, "response": response, "p": p})


@pytest.fixture
def make_arm(truth: pd.DataFrame, tmp_path: Path):
    def make(name: str, noise: float = 0.0, weights: tuple[float, float] = (1, 1)) -> ScoredArm:
        """Scores as a network with class weights learns them, less good with noise."""
        blur = np.random.default_rng(1).normal(0, noise, N)
        raw = expit(logit(truth["p"]) + blur + np.log(weights[1] / weights[0]))
        scores = truth.drop(columns="p").assign(
            raw_probability=raw.astype(np.float32),
            probability=correct_prior(logit(raw), *weights),
        )
        scores.to_parquet(tmp_path / f"{name}.parquet")
        return ScoredArm(name, tmp_path / f"{name}.parquet", 1.0, N)

    return make


def compare(truth: pd.DataFrame, *arms: ScoredArm) -> Comparison:
    response = truth["response"].to_numpy()
    return compare_arms([judge_arm(a, CONFIG) for a in arms], response, AS_OF, seed=0)


def test_before_is_as_learnt_and_after_is_put_right(make_arm, truth: pd.DataFrame) -> None:
    arm = make_arm("class_weight", weights=(0.57, 4.1))
    figures = judge_arm(arm, CONFIG).figures
    raw, response = arm.read()["raw_probability"], truth["response"]
    assert figures.metrics["brier_before"] == pytest.approx(brier_score_loss(response, raw))
    assert figures.f1_at_half == pytest.approx(f1_score(response, raw >= 0.5))
    assert figures.metrics["roc_auc"] == pytest.approx(roc_auc_score(response, raw), abs=1e-6)
    assert figures.metrics["calibration_error"] < 0.01
    assert figures.metrics["calibration_error_before"] > 0.1


def test_weights_move_f1_at_half_and_not_the_f1_at_its_threshold(make_arm, truth) -> None:
    comparison = compare(truth, make_arm("none"), make_arm("class_weight", weights=(0.57, 4.1)))
    none, weighted = comparison.arms
    assert none.f1_at_half is not None
    assert weighted.f1_at_half is not None
    assert weighted.f1_at_half - none.f1_at_half > 0.03
    assert weighted.difference == pytest.approx(0, abs=0.005)
    assert "class_weight" in comparison.conclusion.split("not clearly different from")[0]
    assert "better" not in comparison.conclusion


def test_a_planted_loss_of_skill_is_found_and_told(make_arm, truth: pd.DataFrame) -> None:
    comparison = compare(truth, make_arm("none"), make_arm("focal", noise=1.5))
    figures = comparison.arms[1]
    assert figures.difference is not None
    assert figures.difference < -0.02
    assert f"focal ({figures.difference:+.4f}" in comparison.conclusion
    assert "worse than none" in comparison.conclusion


def test_the_difference_is_that_of_the_same_policyholders(make_arm, truth) -> None:
    none, blurred = judge_arm(make_arm("none"), CONFIG), judge_arm(make_arm("focal", 0.5), CONFIG)
    response = truth["response"].to_numpy()
    found = compare_arms([none, blurred], response, AS_OF, seed=3).arms[1]
    own = compare_f1(response, blurred.predicted, none.predicted, seed=3)
    assert Interval(found.difference_low, found.difference_high) == own


def test_a_rule_is_judged_by_its_decisions_alone(truth: pd.DataFrame) -> None:
    response = truth["response"].to_numpy()
    rule = judge_decisions("everyone", response, np.ones_like(response), seed=0).figures
    p = response.mean()
    assert rule.f1 == pytest.approx(2 * p / (1 + p))
    assert (rule.metrics["precision"], rule.metrics["recall"]) == (pytest.approx(p), 1)
    assert rule.f1_low < rule.f1 < rule.f1_high
    assert "roc_auc" not in rule.metrics


def arm(name: str, low: float, high: float) -> ComparedArm:
    ends = {"difference_low": low, "difference_high": high}
    return ComparedArm(name, 0.4, 0.39, 0.41, {}, difference=(low + high) / 2, **ends)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.0001, 0.002, "better than none"),
        (-0.0001, 0.002, "not clearly different from none"),
        (-0.002, 0.0001, "not clearly different from none"),
        (-0.002, -0.0001, "worse than none"),
    ],
)
def test_only_an_interval_beside_zero_is_a_verdict(low: float, high: float, verdict: str) -> None:
    found = conclude((ComparedArm("none", 0.4, 0.39, 0.41, {}), arm("focal", low, high)))
    assert found.endswith(f"{verdict}.")
    assert sum(v in found for v in ("better", "worse", "not clearly")) == 1


def test_baselines_are_not_in_the_sentence_about_strategies() -> None:
    found = conclude((ComparedArm("none", 0.4, 0.39, 0.41, {}), arm("everyone", -0.3, -0.2)))
    assert "nothing was compared" in found


def test_a_comparison_comes_back_from_its_file(make_arm, truth, tmp_path: Path) -> None:
    comparison = compare(truth, make_arm("none"), make_arm("focal", 0.5))
    assert Comparison.load(comparison.save(tmp_path / "there")) == comparison
    assert [f.name for f in (tmp_path / "there").iterdir()] == ["comparison.parquet"]
