import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from propensity.errors import WarehouseError
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.publish import load_scores, publish_scores
from propensity.warehouse.runs import find_published, start_run

from .conftest import BOOK, N_ROWS, QUALITY, begin, night_of


def read(engine, query: str) -> pd.DataFrame:
    with engine.connect() as connection:
        return pd.read_sql(text(query), connection)


def published_id(engine) -> int | None:
    found = read(engine, "SELECT run_id FROM published_run")["run_id"]
    return int(found.iloc[0]) if len(found) else None


def test_readers_see_every_score_with_the_f1_it_was_earned_at(engine, publish_night):
    run = publish_night(1)
    current = read(engine, "SELECT * FROM current_scores")
    assert len(current) == N_ROWS
    assert set(current["run_id"]) == {run.run_id}
    assert set(current["f1_score"]) == {QUALITY.f1}
    assert set(current["model_version"]) == {run.run_name}


def test_each_score_carries_the_threshold_of_its_fold(engine, publish_night):
    publish_night(1)
    query = "SELECT fold, decision_threshold FROM current_scores JOIN policyholder_scores"
    joined = read(engine, f"{query} USING (run_id, policyholder_id)").drop_duplicates()
    assert dict(zip(joined["fold"], joined["decision_threshold"], strict=True)) == dict(
        enumerate(QUALITY.thresholds)
    )


def test_leads_are_those_whose_response_is_not_known(engine, publish_night):
    publish_night(1)
    leads = read(engine, "SELECT policyholder_id FROM leads")["policyholder_id"]
    assert set(leads) == set(range(601, N_ROWS + 1))


@pytest.mark.parametrize(
    ("n_rows", "changed"),
    [
        (N_ROWS - 1, {}),
        (N_ROWS + 1, {}),
        (N_ROWS, {"probability": np.r_[np.full(N_ROWS - 1, 0.5), 1.5]}),
        (N_ROWS, {"probability": np.r_[np.full(N_ROWS - 1, 0.5), -0.1]}),
        (N_ROWS, {"percentile": np.r_[np.full(N_ROWS - 1, 50), 101]}),
        (N_ROWS, {"decile": np.r_[np.full(N_ROWS - 1, 5), 0]}),
        (N_ROWS, {"predicted_response": np.r_[np.zeros(N_ROWS - 1), 2]}),
    ],
    ids=["a row lost", "a row more", "above 1", "below 0", "percentile", "decile", "predicted"],
)
def test_scores_that_fail_the_audit_are_never_seen(
    engine, publish_night, make_scores, n_rows, changed
):
    last_night = publish_night(1)
    before = read(engine, "SELECT * FROM current_scores")
    run, contender = begin(engine, night_of(2))
    scores = make_scores(n_rows, seed=2, **changed)
    with pytest.raises(WarehouseError, match="Audit of run 2"):
        publish_scores(engine, run, BOOK, scores, contender)
    assert published_id(engine) == last_night.run_id
    pd.testing.assert_frame_equal(read(engine, "SELECT * FROM current_scores"), before)
    assert find_published(engine, run.night) is None


def test_a_probability_that_is_no_number_is_not_published(engine, make_scores):
    run, contender = begin(engine, night_of(1))
    nan = np.r_[np.full(N_ROWS - 1, 0.5), np.nan]
    with pytest.raises(Exception, match="NOT NULL"):
        publish_scores(engine, run, BOOK, make_scores(probability=nan), contender)
    assert published_id(engine) is None


def test_an_id_twice_is_not_published(engine, make_scores):
    run, contender = begin(engine, night_of(1))
    ids = np.r_[np.arange(1, N_ROWS), 1]
    with pytest.raises(Exception, match="UNIQUE"):
        publish_scores(engine, run, BOOK, make_scores(policyholder_id=ids), contender)
    assert published_id(engine) is None


def test_the_next_run_cleans_up_after_one_that_crashed(engine, publish_night, make_scores):
    last_night = publish_night(1)
    run, _ = begin(engine, night_of(2))
    load_scores(engine, run.run_id, make_scores(seed=2))  # and then the power fails
    start_run(engine, night_of(3), [])
    rows = read(engine, "SELECT run_id, count(*) AS n FROM policyholder_scores GROUP BY run_id")
    assert rows.to_dict("list") == {"run_id": [last_night.run_id], "n": [N_ROWS]}
    status = read(engine, "SELECT status FROM scoring_runs ORDER BY run_id")["status"]
    assert list(status) == ["published", "crashed", "running"]


def test_an_older_night_is_stored_but_does_not_take_the_pointer(engine, publish_night):
    newer = publish_night(5)
    older = publish_night(4)
    assert published_id(engine) == newer.run_id
    assert find_published(engine, older.night) == older


def test_rollback_shows_the_night_before_and_the_next_publish_the_newest(engine, publish_night):
    first, second, third = publish_night(1), publish_night(2), publish_night(3)
    assert roll_back(engine) == (third.run_id, second.run_id)
    assert set(read(engine, "SELECT run_id FROM current_scores")["run_id"]) == {second.run_id}
    assert roll_back(engine) == (second.run_id, first.run_id)
    with pytest.raises(WarehouseError, match="No night was published before run 1"):
        roll_back(engine)
    assert published_id(engine) == first.run_id
    fourth = publish_night(4)
    assert published_id(engine) == fourth.run_id


def test_rollback_of_nothing_is_refused(engine):
    with pytest.raises(WarehouseError, match="Nothing is published yet"):
        roll_back(engine)


def test_the_pointer_is_one_row(engine, publish_night):
    publish_night(1)
    with pytest.raises(Exception, match="CHECK"), engine.begin() as connection:
        connection.execute(text("INSERT INTO published_run VALUES (2, 1, '2026-11-01')"))


PUBLISH_AND_DIE = """
import os, pickle, signal, sys
from sqlalchemy import event
from propensity.warehouse.engine import connect
from propensity.warehouse.publish import publish_scores

url, die_at, rest = pickle.loads(sys.stdin.buffer.read())
engine = connect(url)

@event.listens_for(engine, "before_cursor_execute")
def die(_connection, _cursor, statement, *_rest):
    if statement.startswith(die_at):
        os.kill(os.getpid(), signal.SIGKILL)

publish_scores(engine, *rest)
"""


@pytest.mark.parametrize(
    "die_at",
    [
        "INSERT INTO policyholder_scores",
        "SELECT count(*)",
        "INSERT INTO run_thresholds",
        "DELETE FROM published_run",
        "INSERT INTO published_run",
    ],
)
def test_kill_9_while_publishing_leaves_last_night_readable(
    engine, publish_night, make_scores, die_at
):
    last_night = publish_night(1)
    before = read(engine, "SELECT * FROM current_scores")
    run, contender = begin(engine, night_of(2))
    work = (str(engine.url), die_at, (run, BOOK, make_scores(seed=2), contender))
    process = subprocess.run(
        [sys.executable, "-c", PUBLISH_AND_DIE], input=pickle.dumps(work), timeout=60, check=False
    )
    assert process.returncode == -signal.SIGKILL
    pd.testing.assert_frame_equal(read(engine, "SELECT * FROM current_scores"), before)
    assert published_id(engine) == last_night.run_id
    again = start_run(engine, run.night, [])
    publish_scores(engine, again, BOOK, make_scores(seed=2), contender)
    assert published_id(engine) == again.run_id
    assert len(read(engine, "SELECT * FROM current_scores")) == N_ROWS


def test_a_reader_sees_one_night_while_another_is_published(engine, publish_night):
    first = publish_night(1)
    with engine.connect() as reader:
        query = text("SELECT DISTINCT run_id FROM current_scores")
        assert reader.execute(query).scalars().all() == [first.run_id]
        started = time.monotonic()
        second = publish_night(2)
        assert time.monotonic() - started < 25  # the writer did not wait for the reader to end
        assert reader.execute(query).scalars().all() == [first.run_id]
    with engine.connect() as reader:
        assert reader.execute(query).scalars().all() == [second.run_id]


def test_a_writer_waits_for_another_to_finish(engine, publish_night):
    publish_night(1)
    publish_night(2)
    other = engine.connect()
    other.execute(text("UPDATE scoring_runs SET reason = reason"))  # holds the database
    threading.Timer(1, other.close).start()
    assert roll_back(engine) == (2, 1)
