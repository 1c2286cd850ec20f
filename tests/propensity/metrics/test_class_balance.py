"""Class balance and class weights, by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from sklearn.utils.class_weight import compute_class_weight

from propensity.errors import InputError
from propensity.metrics.class_balance import MIN_POSITIVES, balance_weights, measure_balance

ARTICLE = np.repeat([0, 1], [319_553, 62_601])


def test_balance_of_the_articles_counts() -> None:
    balance = measure_balance(len(ARTICLE), int(ARTICLE.sum()))
    assert (balance.n_negative, balance.n_positive) == (319_553, 62_601)
    assert balance.n_labelled == 382_154
    assert balance.prevalence == pytest.approx(62_601 / 382_154)
    assert balance.prevalence == pytest.approx(0.16381, abs=5e-6)
    assert balance.imbalance_ratio == pytest.approx(5.10460, abs=5e-6)
    assert balance.no_skill_f1 == pytest.approx(0.28151, abs=5e-6)
    assert balance.accuracy_of_never == pytest.approx(0.83619, abs=5e-6)


def test_no_skill_f1_is_what_calling_everyone_scores() -> None:
    balance = measure_balance(len(ARTICLE), int(ARTICLE.sum()))
    everyone, nobody = np.ones_like(ARTICLE), np.zeros_like(ARTICLE)
    assert balance.no_skill_f1 == pytest.approx(f1_score(ARTICLE, everyone))
    assert balance.accuracy_of_never == pytest.approx(accuracy_score(ARTICLE, nobody))


def test_weights_of_the_articles_counts() -> None:
    # half of all 382,154 rows over the rows of the class
    assert balance_weights(ARTICLE) == pytest.approx((0.597951, 3.052299), abs=5e-7)


@settings(deadline=None)
@given(n_negative=st.integers(1, 3000), n_positive=st.integers(1, 3000))
def test_weights_average_one_and_equalise_the_classes(n_negative: int, n_positive: int) -> None:
    responses = np.repeat(np.array([0, 1], dtype=np.int8), [n_negative, n_positive])
    weights = balance_weights(responses)
    assert weights[0] * n_negative == pytest.approx(weights[1] * n_positive)
    assert np.array(weights)[responses].mean() == pytest.approx(1)
    assert weights == pytest.approx(
        compute_class_weight("balanced", classes=np.array([0, 1]), y=responses)
    )


@pytest.mark.parametrize("few", ["zeros", "ones"])
def test_too_few_of_a_class_are_refused(few: str) -> None:
    n_positive = MIN_POSITIVES - 1 if few == "ones" else 1001 - MIN_POSITIVES
    with pytest.raises(InputError, match=f" 49 {few}"):
        measure_balance(1000, n_positive)


def test_just_enough_of_a_class_is_enough() -> None:
    assert measure_balance(1000, MIN_POSITIVES).n_positive == MIN_POSITIVES
