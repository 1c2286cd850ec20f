"""Prevalence per segment."""

import dataclasses

import numpy as np
import pytest

from propensity.metrics.intervals import find_share_interval
from propensity.monitoring.profile import Profile, ValueCounts
from propensity.monitoring.segments import Segment, find_segments


def count(name: str, values: tuple, n: list, *, is_number: bool = False) -> ValueCounts:
    return ValueCounts(name, is_number, values, np.array(n).reshape(-1, 3))


@pytest.fixture
def segments_of(contract):
    """Segments of one column, the others being as good as empty."""

    def find(counts: ValueCounts, **changed) -> tuple[Segment, ...]:
        column = next(c for c in contract.features if c.name == counts.name)
        column = dataclasses.replace(column, **changed)
        only = dataclasses.replace(contract, columns=(column,))
        found = find_segments(Profile((counts,), counts), only)
        assert found[0].feature == column
        return found[0].segments

    return find


def test_the_interval_is_wilsons():
    # Newcombe 1998, Statistics in Medicine 17, 857, table I: 81/263, 15/148, 0/20, 1/29
    assert f"{find_share_interval(81, 263):.4f}" == "0.2553 to 0.3662"
    assert f"{find_share_interval(15, 148):.4f}" == "0.0624 to 0.1605"
    assert f"{find_share_interval(0, 20):.4f}" == "0.0000 to 0.1611"
    assert f"{find_share_interval(1, 29):.4f}" == "0.0061 to 0.1718"


def test_a_segment_counts_and_divides(segments_of):
    found = segments_of(count("Gender", ("Male", "Female"), [[5, 80, 20], [7, 30, 10]]))
    assert found == (Segment("Female", 47, 40, 10), Segment("Male", 105, 100, 20))
    assert found[0].prevalence == 0.25
    assert found[1].interval == find_share_interval(20, 100)


def test_a_declared_domain_gives_the_order_and_blank_comes_last(segments_of):
    values = (None, "> 2 Years", "1-2 Year", "< 1 Year")
    found = segments_of(count("Vehicle_Age", values, [[1, 1, 0]] * 4))
    assert [s.name for s in found] == ["< 1 Year", "1-2 Year", "> 2 Years", "blank"]


def test_nobody_known_has_no_prevalence(segments_of):
    unknown = segments_of(count("Gender", ("Female",), [[5, 0, 0]]))[0]
    assert (unknown.prevalence, unknown.interval) == (None, None)


def test_the_largest_are_shown_and_the_others_summed_up(segments_of):
    n = [[0, 100 - i, 1] for i in range(12)]
    found = segments_of(count("Region_Code", tuple(range(12)), n))
    assert [s.name for s in found] == [*map(str, range(7)), "5 others"]
    assert found[-1] == Segment("5 others", *[sum(sum(x) for x in n[7:])] * 2, 5)


@pytest.mark.parametrize("n_values", [1, 8])
def test_eight_values_need_no_others(segments_of, n_values):
    found = segments_of(count("Region_Code", tuple(range(n_values)), [[0, 5, 1]] * n_values))
    assert [s.name for s in found] == [str(i) for i in range(n_values)]


def test_a_number_is_cut_into_bands_of_about_equally_many(segments_of):
    ages = tuple(float(a) for a in range(20, 60))
    found = segments_of(count("Age", ages, [[1, 3, 1]] * 40, is_number=True))
    assert [s.name for s in found][:2] == ["20 to 24", "25 to 29"]
    assert found[-1].name == "55 or more"
    assert [s.n_rows for s in found] == [25] * 8
    assert sum(s.n_positive for s in found) == 40


def test_bands_say_how_far_they_reach(segments_of):
    one_large = [[0, 100, 0], [0, 1, 0], [0, 1, 0], [0, 100, 0], [0, 100, 0]]
    ages = segments_of(count("Age", (20.0, 21.0, 22.0, 23.0, 30.0), one_large, is_number=True))
    assert [s.name for s in ages] == ["20", "21 to 22", "23 to 29", "30 or more"]
    values = (2630.0, 10_100.0)
    premium = segments_of(count("Annual_Premium", values, [[0, 9, 1]] * 2, is_number=True))
    assert [s.name for s in premium] == ["2,630 to < 10,100", "10,100 or more"]
