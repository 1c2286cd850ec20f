import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from propensity.metrics.intervals import find_share_interval


@settings(deadline=None)
@given(st.integers(1, 1_000_000), st.floats(0, 1))
def test_the_interval_of_a_share_is_scipys(n, share):
    n_positive = round(share * n)
    expected = binomtest(n_positive, n).proportion_ci(0.95, method="wilson")
    found = find_share_interval(n_positive, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_ends_are_exact_where_nobody_or_everybody_says_yes():
    assert find_share_interval(0, 10).low == 0
    assert find_share_interval(10, 10).high == 1
