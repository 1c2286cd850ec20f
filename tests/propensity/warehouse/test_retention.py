import pytest

from propensity.errors import BusyError
from propensity.warehouse.locks import only_one
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.retention import drop_superfluous, find_superfluous
from propensity.warehouse.runs import find_published
from propensity.warehouse.scores import table_lifecycle

from .conftest import N_ROWS, night_of, read


@pytest.fixture
def nights(engine, publish_night):
    """Six nights, a model promoted in the first and the third."""
    runs = [publish_night(day) for day in range(1, 7)]
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE promotions SET decision = 'kept_champion' WHERE run_id NOT IN (1, 3)"
        )
    return runs


def test_a_dry_run_lists_what_would_go_and_changes_nothing(engine, nights):
    listed = find_superfluous(engine, keep_nights=2)
    assert [(n.run_id, n.n_policyholders) for n in listed] == [(2, N_ROWS), (4, N_ROWS)]
    assert listed[0].as_of == nights[1].night.as_of
    assert table_lifecycle.find_stored(engine) == {1, 2, 3, 4, 5, 6}


def test_what_was_listed_goes_and_nothing_else(engine, nights):
    current = read(engine, "SELECT * FROM current_scores ORDER BY policyholder_id")
    listed = find_superfluous(engine, keep_nights=2)
    assert drop_superfluous(engine, keep_nights=2) == listed
    assert table_lifecycle.find_stored(engine) == {1, 3, 5, 6}
    rows = read(engine, "SELECT DISTINCT run_id FROM policyholder_scores ORDER BY run_id")
    assert rows["run_id"].tolist() == [1, 3, 5, 6]
    after = read(engine, "SELECT * FROM current_scores ORDER BY policyholder_id")
    assert after.equals(current)
    status = read(engine, "SELECT status FROM scoring_runs ORDER BY run_id")["status"]
    assert [s == "retired" for s in status] == [False, True, False, True, False, False]
    assert find_superfluous(engine, keep_nights=2) == []
    assert find_published(engine, night_of(2)) is None, "a retired night may be run again"


def test_what_readers_see_and_the_night_before_it_stay(engine, nights):
    roll_back(engine, by="me", reason="a test", to_run_id=5)
    drop_superfluous(engine, keep_nights=1)
    assert table_lifecycle.find_stored(engine) == {1, 3, 4, 5, 6}


def test_fourteen_nights_are_kept_unless_told_otherwise(engine, nights):
    from propensity.settings import Settings

    assert Settings().keep_nights == 14
    assert drop_superfluous(engine, Settings().keep_nights) == []


def test_retention_cut_short_is_finished_by_the_next(engine, nights, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(table_lifecycle, "drop", die)
        with pytest.raises(KeyboardInterrupt):
            drop_superfluous(engine, keep_nights=2)
    assert table_lifecycle.find_stored(engine) == {1, 2, 3, 4, 5, 6}
    drop_superfluous(engine, keep_nights=2)
    assert table_lifecycle.find_stored(engine) == {1, 3, 5, 6}


def test_retention_and_publishing_exclude_each_other(engine, nights):
    with only_one(engine, "publish"), pytest.raises(BusyError):
        drop_superfluous(engine, keep_nights=2)
