import dataclasses
import datetime as dt

import pytest

from propensity.errors import WarehouseError
from propensity.evaluation.records import Contender, Decision
from propensity.warehouse.model_registry import find_files_digest, record_decision
from propensity.warehouse.promotions import find_champion, roll_back_model
from propensity.warehouse.runs import start_run

from .conftest import begin, night_of, read

ME = {"by": "ann", "reason": "it calls the wrong people"}


def test_the_champion_is_the_version_promoted_last(engine, publish_night):
    assert find_champion(engine) is None
    publish_night(1)
    second = publish_night(2)
    assert find_champion(engine) == second.run_name


def test_a_night_of_the_past_does_not_displace_a_newer_champion(engine):
    first, _ = begin(engine, night_of(10))
    newest, _ = begin(engine, night_of(20))
    older, _ = begin(engine, night_of(15))
    assert find_champion(engine) == newest.run_name
    assert find_champion(engine, dt.date(2026, 11, 25)) == newest.run_name
    assert find_champion(engine, dt.date(2026, 11, 16)) == older.run_name
    assert find_champion(engine, dt.date(2026, 11, 12)) == first.run_name
    assert find_champion(engine, dt.date(2026, 11, 9)) is None


def test_rolling_a_model_back_and_undoing_it(engine):
    first, _ = begin(engine, night_of(1))
    second, _ = begin(engine, night_of(2))
    third, _ = begin(engine, night_of(3))
    assert roll_back_model(engine, **ME) == (third.run_name, second.run_name)
    assert find_champion(engine) == second.run_name
    assert roll_back_model(engine, **ME) == (second.run_name, first.run_name)
    with pytest.raises(WarehouseError, match=f"No model served before {first.run_name}"):
        roll_back_model(engine, **ME)
    assert roll_back_model(engine, to_version=third.run_name, **ME)[1] == third.run_name
    assert find_champion(engine) == third.run_name
    history = read(engine, "SELECT * FROM promotions WHERE decision = 'rolled_back'")
    assert len(history) == 3
    assert set(history["decided_by"]) == {"ann"}
    assert set(history["reason"]) == {"it calls the wrong people"}


def test_the_next_promotion_supersedes_a_rollback(engine):
    begin(engine, night_of(1))
    begin(engine, night_of(2))
    roll_back_model(engine, **ME)
    third, _ = begin(engine, night_of(3))
    assert find_champion(engine) == third.run_name


def test_a_version_that_never_served_is_refused(engine):
    begin(engine, night_of(1))
    run = start_run(engine, night_of(2), [])
    _, contender = begin(engine, night_of(3))
    with pytest.raises(WarehouseError, match=r"2026-.* was never promoted"):
        roll_back_model(engine, to_version=run.run_name, **ME)
    assert contender.version.name == find_champion(engine)


def test_rolling_back_without_a_model_is_refused(engine):
    with pytest.raises(WarehouseError, match="No model has been promoted"):
        roll_back_model(engine, **ME)


def test_a_candidate_that_lost_is_no_champion(engine):
    first, contender = begin(engine, night_of(1))
    run = start_run(engine, night_of(2), [])
    loser = type(contender)(
        type(contender.version)("loser", contender.version.folder, "d" * 64, ()),
        contender.evaluation,
    )
    record_decision(
        engine, run, loser, Decision("kept_champion", "It lost.", contender), first.run_name
    )
    assert find_champion(engine) == first.run_name


def test_a_champion_made_by_hand_during_the_night_is_not_superseded(engine):
    """Judged against the second, the third must not displace the first, which nobody compared."""
    first, _ = begin(engine, night_of(1))
    second, contender = begin(engine, night_of(2))
    run = start_run(engine, night_of(3), [])
    third = Contender(dataclasses.replace(contender.version, name="third"), contender.evaluation)
    roll_back_model(engine, **ME)
    won = Decision("promoted", "It is good.", third)
    with pytest.raises(WarehouseError, match=f"{first.run_name} became champion while"):
        record_decision(engine, run, third, won, against=second.run_name)
    assert find_champion(engine) == first.run_name
    assert "third" not in set(read(engine, "SELECT * FROM model_versions")["model_version"])
    record_decision(engine, run, third, won, against=first.run_name)
    assert find_champion(engine) == "third"


def test_a_version_is_registered_with_the_digest_of_its_files(engine):
    first, contender = begin(engine, night_of(1))
    run = start_run(engine, night_of(2), [])
    version = dataclasses.replace(contender.version, name="second", files_digest="e" * 64)
    second = Contender(version, contender.evaluation)
    won = Decision("promoted", "It is good.", second)
    record_decision(engine, run, second, won, against=first.run_name)
    assert find_files_digest(engine, "second") == "e" * 64
    assert find_files_digest(engine, first.run_name) is None
    assert find_files_digest(engine, None) is None
