import datetime as dt

import pandas as pd
import pytest

from flows.backfill import ONE_DAY, backfill
from propensity.errors import InputError
from propensity.settings import Settings, find_last_as_of
from propensity.simulation.book import simulate_book
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.queries import RUNS, read_rows

FIRST, LAST = dt.date(2026, 11, 1), dt.date(2026, 11, 4)


@pytest.mark.slow
def test_nights_of_the_past_are_stored_and_readers_keep_the_newest(
    tmp_path, monkeypatch, prefect_server, postgresql_url
):
    settings = {
        "DATABASE_URL": postgresql_url,
        "DATA_DIR": tmp_path / "data",
        "N_BOOTSTRAP": 50,
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"PROPENSITY_{name}", str(value))
    for day in (1, 3, 4):
        path = tmp_path / f"book-2026-11-{day:02}.csv"
        simulate_book(path, n_rows=20_000, seed=day, unlabelled_share=0.25)
    (tmp_path / "book-2026-11-03.csv").write_text("not,a,book\n1,2,3\n", encoding="utf-8")
    pattern = str(tmp_path / "book-{as_of}.csv")
    newest = list(backfill(pattern, LAST, LAST))
    assert [n.outcome for n in newest] == ["stored as run 1"]

    nights = list(backfill(pattern, FIRST, LAST))
    assert [n.as_of.day for n in nights] == [1, 2, 3, 4]
    assert nights[0].outcome == "stored as run 2"
    assert nights[1].outcome == f"no file {tmp_path / 'book-2026-11-02.csv'}"
    assert isinstance(nights[2].error, InputError)
    assert nights[3].outcome == "already published as run 1"
    with open_warehouse(Settings().warehouse_url).connect() as connection:
        current = pd.read_sql("SELECT DISTINCT run_id FROM current_scores", connection)
        stored = pd.read_sql("SELECT DISTINCT run_id FROM policyholder_scores", connection)
    assert current["run_id"].tolist() == [1]
    assert sorted(stored["run_id"]) == [1, 2]
    assert read_rows(open_warehouse(Settings().warehouse_url), RUNS, 1).loc[0, "status"] == "failed"


@pytest.mark.slow
def test_the_command_runs_every_date_that_has_a_file(propensity, prefect_api, tmp_path):
    for day in (1, 3):
        path = tmp_path / f"book-2026-11-{day:02}.csv"
        simulate_book(path, n_rows=20_000, seed=day, unlabelled_share=0.25)
    dates = ["--from", "2026-11-01", "--to", "2026-11-03"]
    done = propensity(
        "backfill",
        str(tmp_path / "book-{as_of}.csv"),
        *dates,
        PROPENSITY_N_BOOTSTRAP="50",
        PREFECT_API_URL=prefect_api.url,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "2026-11-01  stored as run 1",
        f"2026-11-02  no file {tmp_path / 'book-2026-11-02.csv'}",
        "2026-11-03  stored as run 2",
    ]
    engine = open_warehouse(f"sqlite:///{propensity.data_dir / 'propensity.db'}")
    runs = read_rows(engine, RUNS, 5)
    assert pd.to_datetime(runs["as_of"]).dt.date.tolist() == [LAST - ONE_DAY, FIRST]
    assert runs["is_current"].tolist() == [1, 0]
    with engine.connect() as connection:
        before = pd.read_sql("SELECT DISTINCT run_id FROM previous_scores", connection)
    assert before["run_id"].tolist() == [1]


@pytest.mark.parametrize(
    ("pattern", "first", "last"),
    [("book.csv", FIRST, LAST), ("book-{as_of}.csv", LAST, FIRST)],
)
def test_a_pattern_without_date_or_dates_turned_round_are_refused(pattern, first, last):
    with pytest.raises(InputError, match=r"a pattern that contains \{as_of\}"):
        list(backfill(pattern, first, last))


def test_dates_to_come_are_refused_before_any_night():
    last = find_last_as_of() + dt.timedelta(days=1)
    with pytest.raises(InputError, match=f"The last date {last} is in the future"):
        list(backfill("book-{as_of}.csv", FIRST, last))
