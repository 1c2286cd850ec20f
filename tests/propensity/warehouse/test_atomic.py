"""Readers see last night or tonight, never a mixture, whatever dies and whoever else is writing."""

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from sqlalchemy import event, text

from propensity.errors import BusyError, WarehouseAwayError, WarehouseError
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.engine import is_postgresql
from propensity.warehouse.locks import only_one
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.retention import drop_superfluous
from propensity.warehouse.runs import start_run
from propensity.warehouse.scores import partitions, table_lifecycle

from .conftest import BOOK, N_ROWS, begin, gather, night_of, publish_all, published_id, read

PUBLISH_AND_DIE = """
import os, pickle, signal, sys
from sqlalchemy import event
from propensity.warehouse import publication
from propensity.warehouse.scores import table_lifecycle as scores
from propensity.warehouse.engine import connect

url, step, rest = pickle.loads(sys.stdin.buffer.read())
engine = connect(url)
show = publication.show

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def die_at(*given):
    if given[2].startswith("INSERT INTO pointer_moves"):
        die()

def die_at_audit(*given):
    if given[2].startswith("SELECT count(*)") and "policyholder_scores_r" in given[2]:
        die()

if step == "after load":
    scores.index = die
elif step == "during audit":
    publication.audit_scores = die
elif step == "in the audit's query":
    event.listen(engine, "before_cursor_execute", die_at_audit)
elif step == "before attaching":
    scores.attach = die
elif step == "before the flip":
    publication.show = die
elif step == "in the transaction":
    event.listen(engine, "after_cursor_execute", die_at)
elif step == "after it":
    publication.show = lambda *given: (show(*given), die())
publication.publish_scores(engine, *rest, die if step == "while loading" else lambda _: None)
"""
STEPS = [
    "while loading",
    "after load",
    "during audit",
    "in the audit's query",
    "before attaching",
    "before the flip",
    "in the transaction",
    "after it",
]


@pytest.mark.parametrize("step", STEPS)
def test_kill_9_while_publishing(engine, publish_night, make_scores, step):
    last_night = publish_night(1)
    query = "SELECT * FROM current_scores ORDER BY policyholder_id"
    before = read(engine, query)
    run, contender = begin(engine, night_of(2))
    url = engine.url.render_as_string(hide_password=False)
    scores = make_scores(seed=2)
    work = (url, step, (run, gather(engine, BOOK, scores, contender)))
    process = subprocess.run(
        [sys.executable, "-c", PUBLISH_AND_DIE], input=pickle.dumps(work), timeout=600, check=False
    )
    assert process.returncode == -signal.SIGKILL
    if step == "after it":
        assert published_id(engine) == run.run_id
    else:
        assert published_id(engine) == last_night.run_id
        pd.testing.assert_frame_equal(read(engine, query), before)
    again = start_run(engine, run.night, [])
    assert run.run_id not in table_lifecycle.find_stored(engine) or step == "after it"
    publish_all(engine, again, BOOK, make_scores(seed=2), contender)
    assert published_id(engine) == again.run_id
    assert len(read(engine, query)) == N_ROWS


READ = """
import sys, time
from sqlalchemy import text
from propensity.warehouse.engine import connect

url, n_statements = sys.argv[1], int(sys.argv[2])
engine = connect(url)
query = text(
    "SELECT min(run_id), max(run_id), count(*), sum(policyholder_id % 65521),"
    " sum(probability) FROM " + sys.argv[3]
)
print("ready", flush=True)
while True:
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET lock_timeout = '1s'"))  # longer is an error
        for _ in range(n_statements):
            started = time.monotonic()
            first, last, n, ids, total = connection.execute(query).one()
            seconds = time.monotonic() - started
            print(first, last, n, int(ids or 0), round(total or 0, 3), seconds, flush=True)
"""
N_PUBLISHES = 30


@contextmanager
def readers(engine, folder: Path) -> Iterator[list[Path]]:
    """Processes that read in a loop: one statement a transaction, or several; two views."""
    url = engine.url.render_as_string(hide_password=False)
    outputs, processes = [], []
    for n_statements in (1, 10):
        for view in ("current_scores", "leads"):
            outputs.append(folder / f"{view}-{n_statements}.txt")
            with outputs[-1].open("w") as file:
                command = [sys.executable, "-c", READ, url, str(n_statements), view]
                processes.append(subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT))
    while not all(output.read_text() for output in outputs):
        assert all(process.poll() is None for process in processes)
    yield outputs
    for process in processes:
        process.terminate()
        assert process.wait(300) == -signal.SIGTERM, "a reader ended by itself"


def checksum(engine, view: str) -> str:
    totals = "sum(policyholder_id % 65521), sum(probability)"
    with engine.connect() as connection:
        query = text(f"SELECT min(run_id), count(*), {totals} FROM {view}")  # noqa: S608
        run_id, n, ids, total = connection.execute(query).one()
    return f"{run_id} {run_id} {n} {int(ids)} {round(total, 3)}"


@pytest.mark.slow
def test_readers_never_see_a_mixture(engine, publish_night, tmp_path):
    """Waiting 20 seconds for a lock is an error (READ). Wall time is only reported:
    on a busy machine it says more about the machine.
    """
    publish_night(1)
    allowed = {view: {checksum(engine, view)} for view in ("current_scores", "leads")}
    with readers(engine, tmp_path) as outputs:
        for day in range(2, 2 + N_PUBLISHES):
            publish_night(day)
            for view, sums in allowed.items():
                sums.add(checksum(engine, view))
            if day % 5 == 0:
                drop_superfluous(engine, keep_nights=2)
    for output in outputs:
        # without "ready", and the last line may be cut off: the reader was stopped
        reads = [line.rsplit(" ", 1) for line in output.read_text().splitlines()[1:-1]]
        sums = {checksum_read for checksum_read, _ in reads}
        view = output.name.split("-")[0]
        assert sums <= allowed[view], output.name
        assert len(sums) > 10, "the reader saw many nights"
        longest = max(float(seconds) for _, seconds in reads)
        said = f"{output.stem}: {len(reads):,} reads, the longest {longest:.3f} s"
        print(said)  # noqa: T201  (pytest -rP shows it)


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_an_open_transaction_neither_blocks_nor_is_emptied(
    engine, publish_night, isolation, monkeypatch
):
    monkeypatch.setattr(partitions, "PATIENCE_SECONDS", 0.5)
    first = publish_night(1)
    has_levels = is_postgresql(engine)  # a transaction in SQLite is always of one snapshot
    options = {"isolation_level": isolation} if has_levels else {}
    with engine.connect().execution_options(**options) as reader:
        query = text("SELECT min(run_id), count(*) FROM current_scores")
        assert reader.execute(query).one() == (first.run_id, N_ROWS)
        second = publish_night(2)
        if not has_levels or isolation != "READ COMMITTED":  # else it may see the new night
            assert reader.execute(query).one() == (first.run_id, N_ROWS)
    with engine.connect() as reader:
        assert reader.execute(query).one() == (second.run_id, N_ROWS)


def test_publishing_waits_for_a_reader_who_would_find_nothing(
    postgresql_url, make_scores, monkeypatch
):
    """A transaction that planned before the new partition came would see an empty night."""
    engine = open_warehouse(postgresql_url)
    run, contender = begin(engine, night_of(1))
    publish_all(engine, run, BOOK, make_scores(seed=1), contender)
    run, contender = begin(engine, night_of(2))
    with psycopg.connect(postgresql_url) as reader:
        query = "SELECT min(run_id), count(*) FROM current_scores"
        for _ in range(10):  # psycopg prepares what is repeated, PostgreSQL keeps the plan
            assert reader.execute(query).fetchone() == (1, N_ROWS)
        arguments = (engine, run, BOOK, make_scores(seed=2), contender)
        publisher = threading.Thread(target=publish_all, args=arguments)
        publisher.start()
        publisher.join(2)
        assert publisher.is_alive(), "it waits"
        assert reader.execute(query).fetchone() == (1, N_ROWS)
        reader.commit()
        publisher.join(600)
        assert reader.execute(query).fetchone() == (2, N_ROWS)


def test_the_second_publisher_is_refused_and_changes_nothing(engine, publish_night, make_scores):
    last_night = publish_night(1)
    run, contender = begin(engine, night_of(2))
    loaded, may_go_on = threading.Event(), threading.Event()

    def pause(_share: float) -> None:
        loaded.set()
        assert may_go_on.wait(600)

    arguments = (engine, run, BOOK, make_scores(seed=2), contender)
    first = threading.Thread(target=publish_all, args=(*arguments, pause))
    first.start()
    assert loaded.wait(600)
    stored = table_lifecycle.find_stored(engine)
    with pytest.raises(BusyError, match="Another publish is under way"):
        publish_all(*arguments)
    assert table_lifecycle.find_stored(engine) == stored
    assert published_id(engine) == last_night.run_id
    may_go_on.set()
    first.join(600)
    assert published_id(engine) == run.run_id


def test_a_connection_lost_while_publishing_is_one_error_and_may_be_tried_again(
    postgresql_url, make_scores
):
    engine = open_warehouse(postgresql_url)
    run, contender = begin(engine, night_of(1))
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def hang_up(*given: object) -> None:
        if str(given[2]).startswith("INSERT INTO pointer_moves"):
            with psycopg.connect(postgresql_url) as admin:
                admin.execute(others)

    arguments = (engine, run, BOOK, make_scores(seed=1), contender)
    event.listen(engine, "after_cursor_execute", hang_up)
    with pytest.raises(WarehouseAwayError, match="does not answer"):
        publish_all(*arguments)
    event.remove(engine, "after_cursor_execute", hang_up)
    assert published_id(engine) is None
    publish_all(*arguments)
    assert published_id(engine) == run.run_id


def test_a_lock_ends_with_its_holder(engine):
    with only_one(engine, "night"), pytest.raises(BusyError), only_one(engine, "night"):
        raise AssertionError
    with only_one(engine, "night"), only_one(engine, "publish"):
        pass


HOLD_AND_START_ANOTHER = """
import subprocess, sys, time
from propensity.warehouse.engine import connect
from propensity.warehouse.locks import only_one

with only_one(connect(sys.argv[1]), "night"):
    print(subprocess.Popen(["sleep", "600"], close_fds=False).pid, flush=True)
    time.sleep(600)
"""


def take_soon(engine) -> None:
    """Take the lock of the night as soon as it is free."""
    deadline = time.monotonic() + 300
    while True:
        try:
            with only_one(engine, "night"):
                return
        except BusyError:
            assert time.monotonic() < deadline, "the lock did not end with its holder"
            time.sleep(0.1)


def test_a_lock_ends_with_a_process_that_is_killed_although_one_it_started_lives_on(engine):
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", HOLD_AND_START_ANOTHER, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        started = int(holder.stdout.readline())
        try:
            with pytest.raises(BusyError), only_one(engine, "night"):
                raise AssertionError
            holder.kill()
            holder.wait()
            take_soon(engine)  # PostgreSQL notices a moment later
            os.kill(started, 0)
        finally:
            holder.kill()
            os.kill(started, signal.SIGKILL)


@contextmanager
def become_nobody() -> Iterator[None]:
    """Root may write every file."""
    if is_root := os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.parametrize("mode", [0o444, 0o000], ids=["read only", "not readable"])
def test_a_lock_file_of_another_user_is_named(mode):
    """Nobody is kept out by a lock that cannot be taken."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        engine = open_warehouse(f"sqlite:///{folder}/warehouse.db")
        with only_one(engine, "publish"):
            pass
        lock = Path(f"{folder}/warehouse.db-publish.lock")
        lock.chmod(mode)
        refused = pytest.raises(WarehouseError, match=f"The lock file {lock} cannot be written")
        with refused, become_nobody(), only_one(engine, "publish"):
            pass


def test_a_writer_waits_for_another_to_finish(engine, publish_night):
    publish_night(1)
    publish_night(2)
    other = engine.connect()
    other.execute(text("UPDATE published_run SET published_at = published_at"))
    threading.Timer(1, other.close).start()
    assert roll_back(engine, by="me", reason="a test") == (2, 1)


def test_a_long_reader_keeps_a_table_and_nothing_else(postgresql_url, make_scores, monkeypatch):
    """Neither retention nor the next night waits for somebody who left a transaction open."""
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(partitions, "PATIENCE_SECONDS", 0.2)
    engine = open_warehouse(postgresql_url)
    for day in (1, 2, 3):
        run, contender = begin(engine, night_of(day))
        publish_all(engine, run, BOOK, make_scores(seed=day), contender)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE promotions SET decision = 'kept_champion'")
    with psycopg.connect(postgresql_url) as reader:
        reader.execute("SELECT count(*) FROM current_scores")
        assert [n.run_id for n in drop_superfluous(engine, keep_nights=1)] == [1]
        assert 1 in table_lifecycle.find_stored(engine)
        run, contender = begin(engine, night_of(4))
        publish_all(engine, run, BOOK, make_scores(seed=4), contender)
        assert published_id(engine) == 4
        reader.rollback()
    drop_superfluous(engine, keep_nights=2)
    assert 1 not in table_lifecycle.find_stored(engine)


def test_a_run_buried_between_attaching_and_the_flip_is_not_shown(
    engine, publish_night, make_scores, monkeypatch
):
    """Its lock was lost, so another run took it for crashed and dropped its scores."""
    last_night = publish_night(1)
    run, contender = begin(engine, night_of(2))
    real = table_lifecycle.attach

    def bury(engine, run_id):
        real(engine, run_id)
        start_run(engine, night_of(3), [])

    monkeypatch.setattr(table_lifecycle, "attach", bury)
    with pytest.raises(WarehouseError, match="Run 2 was marked crashed meanwhile"):
        publish_all(engine, run, BOOK, make_scores(seed=2), contender)
    assert published_id(engine) == last_night.run_id
    assert len(read(engine, "SELECT * FROM current_scores")) == N_ROWS


def test_rolling_back_while_a_night_is_shown_is_one_after_the_other(
    engine, publish_night, make_scores
):
    publish_night(1)
    publish_night(2)
    run, contender = begin(engine, night_of(3))
    arguments = (engine, run, BOOK, make_scores(seed=3), contender)
    publisher = threading.Thread(target=publish_all, args=arguments)
    publisher.start()
    while publisher.is_alive():
        now, target = roll_back(engine, by="me", reason="a test", to_run_id=1)
        roll_back(engine, by="me", reason="a test", to_run_id=now)
    publisher.join()
    moves = read(engine, "SELECT from_run_id, to_run_id FROM pointer_moves ORDER BY move_id")
    assert moves["from_run_id"].tolist()[1:] == moves["to_run_id"].tolist()[:-1]
    assert 3 in set(moves["to_run_id"])
    assert target == 1


def test_the_lock_is_free_as_soon_as_the_work_is_done(engine) -> None:
    # left to the end of the connection, PostgreSQL frees it a moment later
    for _ in range(200):
        with only_one(engine, "publish"):
            pass
