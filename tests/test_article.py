"""docs/article.md says what its steps give today; the traps it shows are really there."""

import dataclasses
import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import f1_score, roc_auc_score

from propensity.metrics.calibration_error import measure_calibration_error
from propensity.metrics.class_balance import balance_weights

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "article.md"


@pytest.fixture(scope="module")
def scripts():
    """Import the benchmark's modules as the script does: by their folder."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def labels(scripts):
    return scripts("article_labels")


@pytest.fixture(scope="module")
def facts(scripts):
    return scripts("article_traps").describe_labels()


def read_rows(scripts, folder: Path, n_rows: int):
    return scripts("article").read_rows([], folder, n_rows)


def test_the_samplers_give_the_articles_counts(facts):
    assert (facts.balance.n_negative, facts.balance.n_positive) == (319_553, 62_601)
    assert facts.undersampled == (62_601, 62_601)
    assert facts.oversampled == (319_553, 319_553)
    assert facts.pandas_counts == (facts.undersampled, facts.oversampled)


def test_undersampling_keeps_every_one_and_no_zero_twice(labels):
    responses = np.repeat([0, 1], [900, 100])
    picked = labels.undersample(responses, seed=0)
    assert len(np.unique(picked)) == len(picked) == 200
    assert set(np.flatnonzero(responses)) <= set(picked)


def test_oversampling_keeps_every_row_and_adds_ones_only(labels):
    responses = np.repeat([0, 1], [900, 100])
    picked = labels.oversample(responses, seed=0)
    n_times = np.bincount(picked, minlength=1000)
    assert (n_times[:900] == 1).all()
    assert (n_times[900:] >= 1).all()
    assert n_times[900:].sum() == 900


def test_the_articles_calls_fail_today(facts):
    assert facts.errors.positional.startswith("TypeError: ")
    assert "positional" in facts.errors.positional
    assert "'get'" in facts.errors.array
    assert "'class_weights'" in facts.errors.misspelt
    assert "No gradients" in facts.errors.f1_as_loss


def test_a_call_that_no_longer_fails_stops_the_script(scripts):
    with pytest.raises(AssertionError, match="runs now"):
        scripts("article_traps").find_error(lambda: None, TypeError)


def test_string_keys_weigh_nothing(labels, facts):
    p = facts.balance.prevalence
    per_class = -np.log(1 - p), -np.log(p)
    w0, w1 = balance_weights(labels.make_labels())
    unweighted = (1 - p) * per_class[0] + p * per_class[1]
    weighted = (1 - p) * w0 * per_class[0] + p * w1 * per_class[1]
    assert facts.losses.unweighted == pytest.approx(unweighted, abs=1e-4)
    assert facts.losses.weighted == pytest.approx(weighted, abs=1e-4)
    assert facts.losses.string_keys == pytest.approx(unweighted, abs=1e-4)


def test_validation_split_takes_rows_of_one_class(facts):
    as_is, undersampled, oversampled = facts.last_fifths
    assert as_is.training_share == 0
    assert as_is.validation_share == pytest.approx(62_601 / (382_154 * 0.2), abs=1e-4)
    assert undersampled.validation_share == oversampled.validation_share == 1


def test_keras_f1_calls_everybody_unless_told(facts):
    assert facts.default_f1 == pytest.approx(facts.balance.no_skill_f1, abs=1e-6)
    assert facts.half_f1 == 1


def test_a_metric_is_not_in_the_gradient(facts):
    assert not facts.metric_moves_weights


def test_the_histogram_of_densities_counts_nobody(facts):
    assert sum(facts.density) == pytest.approx(2)
    assert facts.density[1] / 2 == pytest.approx(facts.balance.prevalence)


def test_the_page_says_what_labels_give_today(scripts, facts):
    assert scripts("article").render_labels(facts).strip() in PAGE.read_text(encoding="utf-8")


def test_another_count_would_not_be_on_the_page(scripts, facts):
    wrong = dataclasses.replace(facts, undersampled=(62_600, 62_601))
    assert scripts("article").render_labels(wrong).strip() not in PAGE.read_text(encoding="utf-8")


def test_the_page_is_of_the_real_table_and_shows_no_leak_as_quality():
    text = PAGE.read_text(encoding="utf-8")
    assert "simulated book" not in text
    section = text.split("## 5.")[1].split("Differences from the rows")[0]
    arms = [row.split(" | ") for row in section.splitlines() if row.startswith("| ")][1:]
    assert len(arms) == 5
    for _, _, _, _, f1_at_half, f1, roc_auc, _ in arms:
        assert float(f1_at_half[:6]) < 0.6
        assert float(f1[:6]) < 0.6
        assert float(roc_auc) < 0.88


def test_the_histogram_beside_the_page_is_the_one_drawn(scripts):
    drawn = scripts("article").draw_histogram().decode()
    assert "319,553" in drawn
    assert (ROOT / "docs" / "article-histogram.svg").read_text(encoding="utf-8") == drawn


@pytest.mark.parametrize("way", ["as is", "undersampled", "oversampled", "class weights"])
def test_each_ways_factors_undo_what_it_does_to_the_odds(scripts, way):
    """A score per group is all there is to learn: the odds of each way are known exactly."""
    arms = scripts("article_arms")
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 200_000)
    responses = (rng.random(len(group)) < np.array([0.05, 0.2])[group]).astype(np.int8)
    taken = arms.WAYS[way](responses, 0)
    weights = taken.class_weight or {0: 1, 1: 1}
    row_weights = np.where(responses == 1, weights[1], weights[0])[taken.picked]
    seen = [
        np.average(responses[taken.picked], weights=row_weights * (group[taken.picked] == g))
        for g in (0, 1)
    ]
    corrected = arms.correct_prior(logit(seen), *taken.factors)
    actual = [responses[group == g].mean() for g in (0, 1)]
    assert corrected == pytest.approx(actual, rel=0.03)
    if way != "as is":
        assert seen[1] > 2 * actual[1]


def test_differences_are_from_the_rows_as_they_are(scripts):
    """Two ways with the same ranks: only what happens at 0.5 and the probabilities differ."""
    arms, quality = scripts("article_arms"), scripts("article_quality")
    rng = np.random.default_rng(0)
    logits = rng.normal(-2.5, 1.2, 20_000)
    responses = (rng.random(len(logits)) < expit(logits)).astype(np.int8)
    folds = np.arange(len(logits)) % 5
    truth = expit(logits).astype(np.float32)
    scores = {
        "as is": arms.Scores(truth, truth, 1, 1),
        "class weights": arms.Scores(expit(logits + 2).astype(np.float32), truth, 1, 1),
        "noise": arms.Scores(*[rng.random(len(logits)).astype(np.float32)] * 2, 1, 1),
    }
    as_is, weighted, noise = quality.judge_arms(responses, folds, scores)
    assert weighted.f1_difference.value == 0
    assert not weighted.f1_difference.is_clear
    assert abs(weighted.roc_auc_difference.value) < 1e-4
    assert weighted.f1_at_half_difference.is_clear
    assert weighted.f1_at_half == pytest.approx(f1_score(responses, logits >= -2))
    assert (
        weighted.f1_at_half_interval.low < weighted.f1_at_half < weighted.f1_at_half_interval.high
    )
    assert weighted.calibration_error_before > 0.1 > as_is.calibration_error_before
    assert as_is.calibration_error_before == measure_calibration_error(responses, truth)
    assert noise.roc_auc_difference.is_clear
    assert noise.roc_auc_difference.value < -0.1
    assert noise.f1_difference.interval.high < 0


def test_copies_are_drawn_together(scripts):
    """Every policyholder ten times tells no more than once: the interval must not shrink."""
    leak = scripts("article_leak")
    rng = np.random.default_rng(0)
    scores = rng.random(500)
    responses = (rng.random(500) < scores).astype(np.int8)
    once = leak.judge(np.arange(500), responses, scores)
    often = leak.judge(np.repeat(np.arange(500), 10), np.repeat(responses, 10), scores.repeat(10))
    assert once.roc_auc == pytest.approx(roc_auc_score(responses, scores))
    assert often.roc_auc_interval == once.roc_auc_interval
    assert often.f1_interval == once.f1_interval


def test_oversampling_before_the_split_leaks(scripts, tmp_path):
    """Where the response is a coin, a forest can know only what it has seen."""
    rows = read_rows(scripts, tmp_path, 3000)
    coin = np.random.default_rng(7).random(len(rows)) < 0.15
    at = rows.schema.get_field_index("response")
    rows = rows.set_column(at, rows.schema.field(at), [coin.astype(np.int8)])
    leak = scripts("article_leak").measure_leak(rows)
    assert leak.copied_share > 0.95
    assert leak.leaked.roc_auc > 0.9
    assert leak.leaked.f1 > 0.8
    assert leak.honest.n_rows == leak.leaked.n_rows
    assert leak.honest.prevalence == leak.leaked.prevalence == pytest.approx(0.5, abs=0.05)
    assert abs(leak.honest.roc_auc - 0.5) < 0.1
    assert abs(leak.as_in_book.roc_auc - 0.5) < 0.1
    assert leak.as_in_book.n_rows == len(rows)
    assert leak.as_in_book.prevalence == coin.mean()


@pytest.fixture(scope="module")
def article(scripts):
    return scripts("article").describe_article([], n_simulated=6000)


@pytest.mark.slow
def test_the_whole_page_from_a_small_simulated_book(scripts, article):
    page = scripts("article").render_article(article)
    assert "**Sections 4 and 5 were run on a simulated book** of 6,000 policyholders" in page
    assert re.findall(r"^## (\d)\.", page, re.MULTILINE) == list("123456")
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        assert len({row.count("|") for row in table.splitlines()}) == 1, table
    for way in scripts("article_arms").WAYS:
        assert len(re.findall(rf"^\| {way} \|", page, re.MULTILINE)) >= 2, way


@pytest.mark.slow
def test_the_four_ways_learn_and_are_scored_at_the_books_prevalence(article):
    prevalence = article.book.prevalence
    for arm in article.arms:
        assert arm.evaluation.n_labelled == 6000
        assert arm.evaluation.prevalence == pytest.approx(prevalence)
        assert 0.6 < arm.evaluation.metrics["roc_auc"] < 0.88
        assert arm.evaluation.f1_interval.low > article.book.no_skill_f1
        assert (arm.mean_before > 2 * prevalence) == (not arm.name.startswith("as is"))
        assert abs(arm.evaluation.mean_probability - prevalence) < 0.5 * prevalence
    # the forest is no better for having seen the same rows: only its figures are
    assert article.leak.leaked.roc_auc > article.leak.honest.roc_auc_interval.high
