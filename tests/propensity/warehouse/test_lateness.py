import datetime as dt
from pathlib import Path

from propensity.warehouse.nights import find_lateness
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.runs import fail_run, start_run

from .conftest import night_of

TODAY = dt.date(2026, 11, 2)  # night_of(2)
DEADLINE = dt.datetime(2026, 11, 2, 6, tzinfo=dt.UTC)


def test_a_published_night_is_not_late(engine, publish_night):
    publish_night(2)
    assert find_lateness(engine, TODAY, DEADLINE) is None


def test_a_newer_night_stands_for_it(engine, publish_night):
    publish_night(3)
    assert find_lateness(engine, TODAY, DEADLINE) is None


def test_a_night_rolled_back_by_hand_is_not_late(engine, publish_night):
    publish_night(1)
    publish_night(2)
    roll_back(engine, by="operator", reason="wrong prices")
    assert find_lateness(engine, TODAY, DEADLINE) is None


def test_without_any_night_readers_see_nothing(engine):
    late = find_lateness(engine, TODAY, DEADLINE)
    assert (late.readers_as_of, late.reason) == (None, "no run has begun")
    assert (late.as_of, late.deadline) == (TODAY, DEADLINE)


def test_the_night_before_does_not_stand_for_it(engine, publish_night):
    publish_night(1)
    late = find_lateness(engine, TODAY, DEADLINE)
    assert (late.readers_as_of, late.reason) == (dt.date(2026, 11, 1), "no run has begun")


def test_it_says_what_became_of_the_latest_attempt(engine, publish_night):
    publish_night(1)
    start_run(engine, night_of(2), [Path("book.csv")], "first")
    fail_run(engine, "first", "No file matches 'book.csv'.")
    assert find_lateness(engine, TODAY, DEADLINE).reason == (
        "run 2 is failed: No file matches 'book.csv'."
    )
    start_run(engine, night_of(2), [Path("book.csv")], "second")
    assert find_lateness(engine, TODAY, DEADLINE).reason == "run 3 is running"
