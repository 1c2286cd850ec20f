"""How far books have moved: sizes, by hand and by order."""

import dataclasses
import math

import numpy as np
import pytest

from propensity.monitoring.drift import (
    ColumnDrift,
    compare_nights,
    compare_unlabelled,
    measure_stability,
)
from propensity.monitoring.profile import Profile, ValueCounts


def count(values, n, *, name="x", is_number=False) -> ValueCounts:
    n = np.array(n)
    return ValueCounts(name, is_number, tuple(values), n if n.ndim == 2 else np.outer(n, [1, 0, 0]))


def numbers(values: np.ndarray, name: str = "x") -> ValueCounts:
    cells, n = np.unique(np.round(values), return_counts=True)
    return count(cells.tolist(), n, name=name, is_number=True)


def compare(before: ValueCounts, after: ValueCounts) -> ColumnDrift:
    """Drift of a feature; the probability stays as it was."""
    still = count([0.1], [10], name="probability", is_number=True)
    found = compare_nights(Profile((before,), still), Profile((after,), still), by_same_model=True)
    return next(d for d in found if d.column == "x")


def test_the_index_is_that_of_the_book():
    # (0.5 - 0.25) ln(0.5 / 0.25) + (0.5 - 0.75) ln(0.5 / 0.75)
    by_hand = 0.25 * math.log(2) - 0.25 * math.log(2 / 3)
    assert measure_stability(np.array([25, 75]), np.array([500, 500])) == pytest.approx(by_hand)


def test_an_empty_band_counts_as_a_ten_thousandth():
    by_hand = (0.5 - 1) * math.log(0.5) + (0.5 - 1e-4) * math.log(0.5 / 1e-4)
    assert measure_stability(np.array([10, 0]), np.array([5, 5])) == pytest.approx(by_hand)


def test_nothing_moved_is_zero():
    ages = numbers(np.random.default_rng(0).normal(40, 10, 5000))
    assert compare(ages, ages) == ColumnDrift("x", 0.0, 0, 0)


def test_a_larger_shift_is_a_larger_index():
    rng = np.random.default_rng(0)
    before = numbers(rng.normal(40, 10, 50_000))
    found = [compare(before, numbers(rng.normal(40 + by, 10, 50_000))) for by in (0, 2, 4, 8)]
    sizes = [d.stability_index for d in found]
    assert sizes == sorted(sizes)
    # two normals a distance d apart, in standard deviations: d squared, a little less in bands
    assert sizes[2] == pytest.approx(0.4**2, rel=0.15)
    assert [d.strength for d in found] == ["small", "small", "notable", "large"]


def test_what_lies_outside_of_last_nights_numbers_goes_to_the_ends():
    before, after = numbers(np.arange(100)), numbers(np.array([-50, 500]))
    expected = measure_stability(np.full(10, 10), np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 1]))
    assert compare(before, after).stability_index == pytest.approx(expected)


def test_the_lowest_probabilities_move_as_one_and_the_others_each():
    """A night's calibration moves half of a book by a ten thousandth, all of it."""
    rng = np.random.default_rng(0)
    low, high = rng.uniform(0.0008, 0.0012, 50_000), rng.uniform(0.1, 0.5, 50_000)

    def move(low_by: float, high_by: float, *, is_feature: bool = False) -> float:
        before, after = (
            count(
                *np.unique(np.concatenate(p).round(6), return_counts=True),
                name="probability",
                is_number=True,
            )
            for p in ((low, high), (low + low_by, high + high_by))
        )
        other = count([1.0], [10], name="y", is_number=True)
        books = (
            Profile((other,), x) if not is_feature else Profile((x,), other)
            for x in (before, after)
        )
        found = compare_nights(*books, by_same_model=True)
        return next(d.stability_index for d in found if d.column == "probability")

    assert move(0.0003, 0) < 0.001
    assert move(0, 0.08) > 0.25
    assert move(0.0003, 0, is_feature=True) > 0.25  # a feature: who knows what is little


def test_unseen_values_are_counted():
    drift = compare(count(["a", "b"], [50, 50]), count(["b", "a", "c", "d"], [49, 48, 2, 1]))
    assert (drift.n_unseen_values, drift.n_unseen_rows) == (2, 3)


def test_rare_values_count_as_one():
    rng = np.random.default_rng(0)
    first, second = (count(range(2000), rng.poisson(2, 2000) + 1) for _ in range(2))
    assert compare(first, second).stability_index < 0.03
    assert measure_stability(first.n_all, second.n_all) > 0.3  # by chance alone


def test_the_order_of_values_does_not_matter():
    first = compare(count(["a", "b"], [30, 70]), count(["a", "b"], [70, 30]))
    second = compare(count(["b", "a"], [70, 30]), count(["a", "b"], [70, 30]))
    assert first.stability_index == pytest.approx(second.stability_index)
    assert first.stability_index == pytest.approx(0.8 * math.log(7 / 3))


def test_the_largest_shift_comes_first_and_other_columns_are_left_out():
    a, b, old, new = (count("ab", [50, 50], name=name) for name in ("a", "b", "old", "new"))
    moved = dataclasses.replace(b, n=np.array([[90, 0, 0], [10, 0, 0]]))
    p = count([0.1], [10], name="probability", is_number=True)
    found = compare_nights(Profile((a, b, old), p), Profile((a, moved, new), p), by_same_model=True)
    assert [d.column for d in found] == ["b", "a", "probability"]


def test_those_not_answered_are_compared_with_those_who_answered():
    asked = count("abc", [[10, 70, 20], [80, 8, 2], [5, 0, 0]])
    drift = compare_unlabelled(Profile((asked,), asked))[0]
    expected = measure_stability(np.array([90, 10, 0]), np.array([10, 80, 5]))
    assert drift == ColumnDrift("x", pytest.approx(expected), 1, 5)


@pytest.mark.parametrize("n", [[[0, 5, 1]], [[6, 0, 0]]])
def test_where_all_or_none_have_answered_there_is_nothing_to_compare(n):
    asked = count("a", n)
    assert compare_unlabelled(Profile((asked,), asked)) == ()


def test_the_most_frequent_of_many_values_count_each():
    n = np.arange(1, 41) ** 3
    swapped = np.append(n[:-2], n[[-1, -2]])  # the two most frequent
    frequent = compare(count(range(40), n), count(range(40), swapped)).stability_index
    assert frequent == pytest.approx(2 * (n[-1] - n[-2]) / n.sum() * math.log(n[-1] / n[-2]))
