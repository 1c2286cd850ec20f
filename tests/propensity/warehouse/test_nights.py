import datetime as dt

import pytest

from propensity.errors import WarehouseError
from propensity.warehouse.engine import connect
from propensity.warehouse.nights import LastNight, find_last_night
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.retention import drop_superfluous

from .conftest import night_of


def day(number: int) -> dt.date:
    return night_of(number).as_of


def test_the_first_night_has_none_before_it(engine, publish_night):
    assert find_last_night(engine, day(1)) is None
    publish_night(1)
    assert find_last_night(engine, day(1)) is None


def test_it_is_the_night_readers_saw_before(engine, publish_night):
    first, second = publish_night(1), publish_night(2)
    for before, number in ((first, 1), (second, 2)):
        scored_by = before.run_name  # each of these nights promotes its own
        found = LastNight(before.run_id, before.run_name, day(number), scored_by)
        assert find_last_night(engine, day(number + 1)) == found


def test_a_night_that_was_rolled_back_is_passed_over(engine, publish_night):
    first, _ = publish_night(1), publish_night(2)
    roll_back(engine, by="ann", reason="bad")
    publish_night(3)
    assert find_last_night(engine, day(3)).run_id == first.run_id


def test_the_same_date_again_is_compared_with_the_date_before(engine, publish_night):
    first = publish_night(1)
    publish_night(2)
    publish_night(2)
    assert find_last_night(engine, day(2)).run_id == first.run_id


def test_a_night_of_the_past_is_not_compared_with_the_future(engine, publish_night):
    first = publish_night(1)
    publish_night(5)
    publish_night(3)  # readers keep the newer
    assert find_last_night(engine, day(3)).run_id == first.run_id


def test_a_night_whose_scores_are_gone_can_still_be_compared_with(engine, publish_night):
    first = publish_night(1)
    publish_night(2)
    drop_superfluous(engine, 1)
    assert find_last_night(engine, day(2)).run_id == first.run_id


def test_a_database_that_is_away_is_said(tmp_path):
    with pytest.raises(WarehouseError, match="no such table"):
        find_last_night(connect(f"sqlite:///{tmp_path / 'empty.db'}"), day(1))
