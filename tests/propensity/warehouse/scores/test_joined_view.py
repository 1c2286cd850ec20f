"""The view that joins the nights on SQLite, where more are stored than SQLite can join."""

import sqlite3

import pytest
from sqlalchemy import column, insert, select, table
from sqlalchemy.schema import CreateTable

from propensity.errors import WarehouseAwayError, WarehouseError
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.engine import connect, explain_absence
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.queries import RUNS, read_rows
from propensity.warehouse.retention import drop_superfluous
from propensity.warehouse.schema.tables import scoring_runs
from propensity.warehouse.scores import joined_view, table_lifecycle

from ..conftest import BOOK, N_ROWS, begin, night_of, publish_all, published_id, read

ME = {"by": "ann", "reason": "a test"}
N_MANY = 600


@pytest.fixture
def url(sqlite_url):
    """PostgreSQL has partitions."""
    return sqlite_url


def find_runs(engine, view: str) -> list[int]:
    run_id = column("run_id")
    query = select(run_id).select_from(table(view)).distinct().order_by(run_id)
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


def store_empty_nights(engine) -> None:
    """As publishing leaves them, but without scores."""
    with engine.begin() as connection:
        (row,) = connection.execute(select(scoring_runs)).mappings().all()
        for run_id in range(row["run_id"] + 1, N_MANY):
            same = {"run_id": run_id, "run_name": f"night-{run_id}", "status": "published"}
            connection.execute(insert(scoring_runs).values({**row, **same}))
            connection.execute(CreateTable(table_lifecycle.table_of(run_id)))


def test_more_nights_than_sqlite_can_join_are_stored(engine, publish_night, make_scores):
    first = publish_night(1)
    store_empty_nights(engine)
    run, contender = begin(engine, night_of(2))
    publish_all(engine, run, BOOK, make_scores(seed=2), contender)
    assert published_id(engine) == run.run_id >= N_MANY
    assert len(read(engine, "SELECT * FROM leads")) == 392
    assert first.run_id in table_lifecycle.find_stored(engine)
    roll_back(engine, to_run_id=first.run_id, **ME)
    assert find_runs(engine, "current_scores") == [first.run_id]
    drop_superfluous(engine, keep_nights=1)
    assert len(read(engine, "SELECT * FROM current_scores")) == N_ROWS


def test_readers_find_their_night_and_the_one_before_however_few_are_joined(
    engine, publish_night, monkeypatch
):
    monkeypatch.setattr(joined_view, "MAX_TABLES", 3)
    for day in (1, 2, 4, 5, 6, 7):  # as runs 1 to 6
        publish_night(day)
    assert find_runs(engine, "policyholder_scores") == [4, 5, 6]
    roll_back(engine, to_run_id=3, **ME)
    assert find_runs(engine, "current_scores") == [3]
    assert find_runs(engine, "previous_scores") == [2]
    publish_night(3)  # it is the night before now
    assert find_runs(engine, "current_scores") == [3]
    assert find_runs(engine, "previous_scores") == [7]
    assert find_runs(engine, "policyholder_scores") == [3, 6, 7]


def test_a_wrong_statement_is_no_absence(tmp_path):
    engine = connect(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(WarehouseError, match="refused: no such table") as refused:
        read_rows(engine, RUNS, 1)
    assert not isinstance(refused.value, WarehouseAwayError)


def test_a_lock_or_a_folder_in_its_place_is_an_absence(engine, tmp_path):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE published_run SET run_id = run_id")
        other = sqlite3.connect(engine.url.database, timeout=0)
        locked = pytest.raises(WarehouseAwayError, match="does not answer: database is locked")
        with locked, explain_absence(engine):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    with pytest.raises(WarehouseAwayError, match="does not answer: unable to open"):
        open_warehouse(f"sqlite:///{tmp_path}")
