import datetime as dt

import numpy as np
import pytest

from propensity.errors import WarehouseError
from propensity.warehouse.call_list import CallListChange, compare_call_lists
from propensity.warehouse.engine import connect
from propensity.warehouse.retention import drop_superfluous
from propensity.warehouse.suppression_file import Suppression
from propensity.warehouse.suppressions import record_suppressions

from .conftest import N_ROWS, night_of

N_CALLS = 10


def day(number: int) -> dt.date:
    return night_of(number).as_of


@pytest.fixture
def compare(engine, publish_night):
    """Two nights: the second has the ids five further on, and so two others among its best ten."""
    publish_night(1)
    publish_night(2, policyholder_id=np.arange(6, N_ROWS + 6))

    def run(n_calls: int = N_CALLS) -> CallListChange | None:
        return compare_call_lists(engine, (1, day(1)), (2, day(2)), n_calls)

    return run


def test_who_entered_and_who_left_are_counted(compare):
    change = compare()
    assert change == CallListChange(n_before=10, n_now=10, n_stayed=8)
    assert (change.n_entered, change.n_left) == (2, 2)


def test_with_calls_for_everybody_those_count_who_came_and_went(compare):
    change = compare(n_calls=5 * N_ROWS)
    assert change.n_now == change.n_before == 392
    # the two best are gone, and two who were control group or last of the book have come
    assert (change.n_entered, change.n_left) == (2, 2)


def test_the_next_best_takes_the_place_of_one_who_objected(engine, compare):
    record_suppressions(engine, [Suppression(9, "objected", day(2), None)], by="ann")
    assert compare() == CallListChange(n_before=10, n_now=10, n_stayed=7)


def test_an_objection_counts_for_the_nights_it_held(engine, compare):
    record_suppressions(engine, [Suppression(9, "a year", day(0), day(1))], by="ann")
    change = compare()  # 29 was then among the best, in the place of 9; 9 has come back since
    assert change == CallListChange(n_before=10, n_now=10, n_stayed=8)
    assert compare(n_calls=2) == CallListChange(n_before=2, n_now=2, n_stayed=0)


def test_scores_that_were_dropped_cannot_be_compared_with(engine, publish_night):
    for number in (1, 2, 3):
        publish_night(number)
    with engine.begin() as connection:  # or the night of a promotion would be kept
        connection.exec_driver_sql("UPDATE promotions SET decision = 'kept_champion'")
    drop_superfluous(engine, 1)
    assert compare_call_lists(engine, (1, day(1)), (3, day(3)), N_CALLS) is None


def test_a_database_that_is_away_is_said(tmp_path):
    nowhere = connect(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(WarehouseError, match="no such table"):
        compare_call_lists(nowhere, (1, day(1)), (2, day(2)), N_CALLS)
