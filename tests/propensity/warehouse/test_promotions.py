"""The history of decisions, as a model card shows it, on both databases."""

import datetime as dt

from propensity.warehouse.promotions import read_history, roll_back_model

from .conftest import begin, night_of


def test_there_is_no_history_before_the_first_decision(engine):
    assert read_history(engine) == ()


def test_decisions_come_newest_first_with_who_and_why(engine):
    first, _ = begin(engine, night_of(1))
    second, _ = begin(engine, night_of(2))
    roll_back_model(engine, by="ann", reason="it calls the wrong people")
    back, promoted, oldest = read_history(engine)
    assert (back.decision, back.decided_by) == ("rolled_back", "ann")
    assert (back.from_version, back.to_version) == (second.run_name, first.run_name)
    assert back.reason == "it calls the wrong people"
    assert (promoted.decision, promoted.decided_by, promoted.reason) == (
        "promoted", "gate", "It is good.",
    )  # fmt: skip
    assert (promoted.from_version, promoted.to_version) == (first.run_name, second.run_name)
    assert (oldest.from_version, oldest.as_of) == (None, dt.date(2026, 11, 1))


def test_times_are_utc_whatever_the_database_keeps(engine):
    before = dt.datetime.now(dt.UTC)
    begin(engine, night_of(1))
    decided_at = read_history(engine)[0].decided_at
    assert decided_at.utcoffset() == dt.timedelta(0)
    assert before <= decided_at <= dt.datetime.now(dt.UTC)


def test_only_the_latest_are_read(engine):
    names = [begin(engine, night_of(day))[0].run_name for day in (1, 2, 3)]
    assert [p.to_version for p in read_history(engine, 2)] == names[:0:-1]
