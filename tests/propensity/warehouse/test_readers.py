"""A reader finds a warehouse that is there, and never creates or changes one."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from propensity.errors import WarehouseError
from propensity.settings import Settings
from propensity.warehouse import queries
from propensity.warehouse.access import open_existing, open_reader, open_warehouse
from propensity.warehouse.engine import connect
from propensity.warehouse.promotions import find_champion
from propensity.warehouse.retention import find_superfluous
from propensity.warehouse.schema.migration import READABLE_SINCE, is_up_to_date, migrate

from .conftest import published_id
from .test_access import REVISIONS

on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def digest_folder(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def read_everything(engine) -> int:
    rows = [
        len(queries.read_rows(engine, query, 10))
        for query in (queries.LEADS, queries.RUNS, queries.MODELS)
    ]
    assert find_champion(engine)
    assert find_superfluous(engine, 1) == []
    assert queries.forecast_calls(engine, 5).n_calls == 5
    return sum(rows)


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> Path:
    """An empty folder, with no setting."""
    for name in [name for name in os.environ if name.startswith("PROPENSITY_")]:
        monkeypatch.delenv(name)
    (tmp_path / "nowhere").mkdir()
    monkeypatch.chdir(tmp_path / "nowhere")
    return tmp_path / "nowhere"


@pytest.mark.parametrize("open_", [open_reader, open_existing])
def test_in_an_empty_folder_the_settings_are_named_and_nothing_is_created(nowhere, open_):
    with pytest.raises(WarehouseError) as refused:
        open_(Settings())
    assert str(refused.value).startswith(
        f"There is no warehouse: the file {nowhere}/data/propensity.db does not exist."
        " PROPENSITY_DATABASE_URL is not set; PROPENSITY_DATA_DIR is not set (default: data); the"
        f" current folder is {nowhere}. Create the warehouse by running a night (`propensity run`)"
    )
    assert list(nowhere.iterdir()) == []


def test_the_folder_or_url_that_was_set_is_named(nowhere, monkeypatch):
    monkeypatch.setenv("PROPENSITY_DATA_DIR", "other")
    with pytest.raises(WarehouseError, match=r"PROPENSITY_DATA_DIR is other;"):
        open_reader(Settings())
    monkeypatch.setenv("PROPENSITY_DATABASE_URL", "sqlite:///mine/x.db")
    with pytest.raises(WarehouseError, match=r"/nowhere/mine/x\.db .* PROPENSITY_DATABASE_URL nam"):
        open_reader(Settings())
    assert list(nowhere.iterdir()) == []


@pytest.mark.parametrize("content", ["empty", "other tables"])
def test_a_database_without_our_tables_is_left_as_it_is(url, content):
    settings = Settings(database_url=url)
    with connect(url).begin() as connection:
        if content == "other tables":
            connection.execute(text("CREATE TABLE others (x INT)"))
        connection.execute(text("SELECT 1"))
    before = inspect(connect(url)).get_table_names()
    for open_ in (open_reader, open_existing):
        with pytest.raises(WarehouseError, match=r"has no view leads\. PROPENSITY_DATABASE_URL"):
            open_(settings)
    assert inspect(connect(url)).get_table_names() == before
    assert is_up_to_date(open_existing(settings, may_be_empty=True))


@on_sqlite
def test_reading_changes_no_file(url, tmp_path, publish_night):
    run = publish_night(1)
    before = digest_folder(tmp_path)
    engine = open_reader(Settings(database_url=url))
    assert read_everything(engine) > 10
    assert published_id(engine) == run.run_id
    assert digest_folder(tmp_path) == before


@on_sqlite  # a reader of PostgreSQL need not have the right to look at migrations
@pytest.mark.parametrize("revision", REVISIONS)
def test_an_old_schema_is_read_as_it_is_or_refused(url, publish_night, revision):
    publish_night(1)
    migrate(connect(url), revision)
    settings = Settings(database_url=url)
    if revision < READABLE_SINCE:
        with pytest.raises(WarehouseError, match=rf"schema {revision}, .*older.*`propensity run`"):
            open_reader(settings)
    else:
        assert read_everything(open_reader(settings)) > 10
    with connect(url).connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert found == revision
    assert is_up_to_date(open_existing(settings))


READ_AS_SOMEBODY_ELSE = """
import os, sys
from propensity.settings import Settings
from propensity.warehouse.access import open_reader
os.setuid(65534)
try:
    open_reader(Settings(database_url=sys.argv[1]))
except Exception as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_user_who_may_not_write_is_told_so(tmp_path):
    """SQLite in WAL mode cannot be read then."""
    folder = Path("/tmp/propensity-read-only")  # noqa: S108  (pytest's own folders are closed)
    folder.mkdir(exist_ok=True)
    try:
        url = f"sqlite:///{folder / 'warehouse.db'}"
        open_warehouse(url)
        command = [sys.executable, "-c", READ_AS_SOMEBODY_ELSE, url]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    assert "attempt to write a readonly database. Run as a user who may write the" in told.stdout
