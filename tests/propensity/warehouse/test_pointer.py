import pytest

from propensity.errors import WarehouseError
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.retention import drop_superfluous

from .conftest import begin, night_of, published_id, read

ME = {"by": "ann", "reason": "the prices were wrong"}


def test_rollback_shows_the_night_before_and_the_next_publish_the_newest(engine, publish_night):
    first, second, third = publish_night(1), publish_night(2), publish_night(3)
    assert roll_back(engine, **ME) == (third.run_id, second.run_id)
    assert set(read(engine, "SELECT run_id FROM leads")["run_id"]) == {second.run_id}
    assert roll_back(engine, **ME) == (second.run_id, first.run_id)
    with pytest.raises(WarehouseError, match="No night was published before run 1"):
        roll_back(engine, **ME)
    assert published_id(engine) == first.run_id
    fourth = publish_night(4)
    assert published_id(engine) == fourth.run_id


def test_after_a_rollback_an_older_night_still_does_not_win(engine, publish_night):
    """Night 3 was bad and its reader sent back to night 1: a backfilled night 2 changes nothing."""
    first, third = publish_night(1), publish_night(3)
    roll_back(engine, **ME)
    second = publish_night(2)
    assert published_id(engine) == first.run_id
    assert read(engine, "SELECT status FROM scoring_runs")["status"].tolist() == ["published"] * 3
    roll_back(engine, to_run_id=second.run_id, **ME)  # it is there for whoever wants it
    mended = publish_night(3, digest="b")
    assert published_id(engine) == mended.run_id != third.run_id


def test_rollback_to_a_run_goes_either_way(engine, publish_night):
    first, _, third = publish_night(1), publish_night(2), publish_night(3)
    assert roll_back(engine, to_run_id=first.run_id, **ME) == (3, 1)
    assert roll_back(engine, to_run_id=third.run_id, **ME) == (1, 3)  # undone


def test_who_moved_the_pointer_when_and_why_is_recorded(engine, publish_night):
    publish_night(1)
    publish_night(2)
    roll_back(engine, **ME)
    moves = read(engine, "SELECT * FROM pointer_moves ORDER BY move_id")
    assert moves["moved_by"].tolist() == ["nightly", "nightly", "ann"]
    assert moves["reason"].tolist()[2] == "the prices were wrong"
    assert moves["from_run_id"].tolist()[1:] == [1, 2]
    assert moves["to_run_id"].tolist() == [1, 2, 1]
    assert moves["moved_at"].notna().all()


def test_rollback_of_nothing_is_refused(engine):
    with pytest.raises(WarehouseError, match="Nothing is published yet"):
        roll_back(engine, **ME)


@pytest.mark.parametrize(
    ("target", "status"),
    [(99, "not known"), (0, "not known"), (3, "running"), (1, "retired")],
)
def test_rollback_to_what_is_not_stored_is_refused(engine, publish_night, target, status):
    publish_night(1)
    with engine.begin() as connection:  # or its night would be kept
        connection.exec_driver_sql("UPDATE promotions SET decision = 'kept_champion'")
    publish_night(2)
    begin(engine, night_of(3))
    publish_night_2_only(engine)
    before = read(engine, "SELECT * FROM pointer_moves")
    with pytest.raises(WarehouseError, match=f"Run {target} is {status}"):
        roll_back(engine, to_run_id=target, **ME)
    assert published_id(engine) == 2
    assert read(engine, "SELECT * FROM pointer_moves").equals(before)


def publish_night_2_only(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE published_run SET previous_run_id = NULL")
    drop_superfluous(engine, keep_nights=1)


def test_previous_scores_are_those_of_the_night_before(engine, publish_night):
    assert read(engine, "SELECT * FROM previous_scores").empty
    first = publish_night(1)
    assert read(engine, "SELECT * FROM previous_scores").empty
    second = publish_night(2)
    assert set(read(engine, "SELECT run_id FROM previous_scores")["run_id"]) == {first.run_id}
    publish_night(2)  # the same date again: the night before is still the first
    assert set(read(engine, "SELECT run_id FROM previous_scores")["run_id"]) == {first.run_id}
    publish_night(3)
    roll_back(engine, to_run_id=second.run_id, **ME)
    assert set(read(engine, "SELECT run_id FROM previous_scores")["run_id"]) == {first.run_id}


def test_a_night_stored_later_may_be_the_night_before(engine, publish_night):
    first, third = publish_night(1), publish_night(3)
    assert set(read(engine, "SELECT run_id FROM previous_scores")["run_id"]) == {first.run_id}
    second = publish_night(2)
    assert published_id(engine) == third.run_id
    assert set(read(engine, "SELECT run_id FROM previous_scores")["run_id"]) == {second.run_id}
    publish_night(1, digest="b")
    assert set(read(engine, "SELECT run_id FROM previous_scores")["run_id"]) == {second.run_id}
    moves = read(engine, "SELECT to_run_id FROM pointer_moves ORDER BY move_id")["to_run_id"]
    assert moves.tolist() == [first.run_id, third.run_id], "readers were not moved"
