import re
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest
from alembic import command
from sqlalchemy import MetaData, inspect, text

from propensity.errors import WarehouseAwayError, WarehouseError
from propensity.settings import Settings
from propensity.warehouse.access import open_reader, open_warehouse
from propensity.warehouse.engine import POSTGRESQL_POOL, connect
from propensity.warehouse.queries import RUNS, read_rows
from propensity.warehouse.schema.migration import (
    configure,
    is_up_to_date,
    migrate,
    migrations_folder,
)
from propensity.warehouse.schema.tables import metadata
from propensity.warehouse.schema.views import describe_view, view_columns

REVISIONS = ["0001", "0002", "0003"]
ROOT = Path(__file__).parents[3]


def test_every_revision_is_tested():
    files = (migrations_folder / "versions").glob("*.py")
    assert sorted(f.name[:4] for f in files) == REVISIONS


def test_migrations_make_what_the_code_expects(engine):
    with engine.begin() as connection:
        command.check(configure(connection))
    assert set(inspect(engine).get_view_names()) - {"policyholder_scores"} == set(view_columns)
    for view, columns in view_columns.items():
        assert [c["name"] for c in inspect(engine).get_columns(view)] == columns


def describe_schema(engine) -> dict[str, list[object]]:
    """Columns, CHECKs and foreign keys of every table, and the text of every view."""
    found = inspect(engine)
    columns = {
        table: [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)]
        for table in set(found.get_table_names()) - {"alembic_version"}
    }
    checks = {
        table: [(c["name"], c["sqltext"]) for c in found.get_check_constraints(table)]
        + [(f["name"], str(f["constrained_columns"])) for f in found.get_foreign_keys(table)]
        for table in columns
    }
    parts = {table: sorted(columns[table]) + sorted(checks[table]) for table in columns}
    return parts | {view: [found.get_view_definition(view)] for view in found.get_view_names()}


def test_a_downgrade_leaves_what_the_earlier_revision_made(url):
    engine = connect(url)
    made = {}
    for revision in REVISIONS:
        migrate(engine, revision)
        made[revision] = describe_schema(engine)
    for revision in reversed(REVISIONS[:-1]):
        migrate(engine, revision)
        assert describe_schema(engine) == made[revision]


def test_migrations_check_what_the_metadata_checks(url):
    """Alembic's own comparison leaves CHECKs out."""
    migrated, expected = describe_schema(open_warehouse(url)), MetaData()
    engine = connect(url)
    migrate(engine, "base")
    for table in metadata.sorted_tables:
        table.to_metadata(expected)
    expected.create_all(engine)
    made = describe_schema(engine)
    shared = [name for name in set(migrated) & set(made) if name != "policyholder_scores"]
    assert len(shared) == len(metadata.tables) - 1
    assert {name: migrated[name] for name in shared} == {name: made[name] for name in shared}


@pytest.mark.parametrize("revision", ["base", *REVISIONS])
def test_migrations_go_down_and_up_again(engine, publish_night, revision):
    run = publish_night(1)
    before = read(engine, "SELECT * FROM leads ORDER BY policyholder_id")
    migrate(engine, revision)
    if revision == "base":
        assert set(inspect(engine).get_table_names()) == {"alembic_version"}
        assert inspect(engine).get_view_names() == []
    elif revision == "0001":
        old = read(engine, "SELECT * FROM leads ORDER BY policyholder_id")
        assert len(old) == 400  # the control group was not known then
        assert old["probability"].isin(before["probability"]).sum() == len(before)
    open_warehouse(engine.url.render_as_string(hide_password=False))
    assert is_up_to_date(engine)
    after = read(engine, "SELECT * FROM leads ORDER BY lead_rank")
    if revision == "base":
        assert after.empty
    else:
        assert set(after["run_id"]) == {run.run_id}
        assert set(before["policyholder_id"]) <= set(after["policyholder_id"])
        assert after["probability"].is_monotonic_decreasing


def test_versions_of_before_have_no_digest(engine, publish_night):
    run = publish_night(1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE model_versions SET files_digest = 'd'"))
    before = read(engine, "SELECT * FROM model_versions")
    migrate(engine, "0002")
    old = read(engine, "SELECT * FROM model_versions")
    pd.testing.assert_frame_equal(old, before.drop(columns="files_digest"))
    migrate(engine, "head")
    after = read(engine, "SELECT model_version, files_digest FROM model_versions")
    assert after.to_numpy().tolist() == [[run.run_name, None]]


def test_an_upgraded_warehouse_is_one_to_publish_in(engine, publish_night):
    publish_night(1)
    migrate(engine, "0001")
    migrate(engine, "head")
    with engine.begin() as connection:
        command.check(configure(connection))
    second = publish_night(2)
    assert set(read(engine, "SELECT run_id FROM leads")["run_id"]) == {second.run_id}
    with pytest.raises(Exception, match=r"(?i)check"), engine.begin() as connection:
        connection.execute(text("UPDATE scoring_runs SET status = 'lost'"))
    with pytest.raises(Exception, match=r"(?i)check"), engine.begin() as connection:
        connection.execute(text("UPDATE promotions SET decision = 'lost'"))
    with pytest.raises(Exception, match=r"(?i)foreign key"), engine.begin() as connection:
        connection.execute(text("UPDATE published_run SET previous_run_id = 99"))


def read(engine, query: str) -> pd.DataFrame:
    with engine.connect() as connection:
        return pd.read_sql(text(query), connection)


def test_a_migration_that_fails_half_way_changes_nothing(url):
    engine = connect(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE promotions (x INT)")  # in the way
    with pytest.raises(WarehouseError, match="promotions"):
        open_warehouse(url)
    assert set(inspect(engine).get_table_names()) <= {"promotions", "alembic_version"}


def test_postgresql_says_what_every_column_means(postgresql_url):
    engine = open_warehouse(postgresql_url)
    for table in metadata.sorted_tables:
        assert inspect(engine).get_table_comment(table.name)["text"] == table.comment
        for column in inspect(engine).get_columns(table.name):
            assert column["comment"] == table.c[column["name"]].comment != ""
    for view in view_columns:
        found = {c["name"]: c["comment"] for c in inspect(engine).get_columns(view)}
        assert found == describe_view(view)


def test_every_column_of_every_table_is_described():
    for table in metadata.sorted_tables:
        assert table.comment
        assert all(c.comment for c in table.columns), table.name


@pytest.mark.parametrize(
    "url",
    [
        "postgres//joe:hunter2@host",
        "postgresql://joe:x@hunter2:y@host:bad/db",
        "postgresql://joe:x@hunter2@127.0.0.1/db",
        "postgresql://host/dbname=x password=hunter2",
        "postgresql://joe:x@hunter2?y@127.0.0.1:1/db",
        "postgresql://joe:x@hunter2/y@127.0.0.1:1/db",
        "postgresql://joe:x@127.0.0.1:1/db?password=x@hunter2",
        "postgresql://127.0.0.1:1/db?user=joe&password=x@hunter2",
    ],
)
def test_a_url_that_is_none_is_refused_without_showing_it(url):
    with pytest.raises(WarehouseError, match="PROPENSITY_DATABASE_URL") as refused:
        open_warehouse(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://joe:hunter2@127.0.0.1:1/db",
        "postgresql+psycopg_async://joe:hunter2@127.0.0.1:1/db",
        "sqlite+aiosqlite:///hunter2.db",
        "mysql://joe:hunter2@127.0.0.1:1/db",
        "postgresql+psycopg2://joe:hunter2@127.0.0.1:1/db",
        "nosql://hunter2",
    ],
)
def test_another_database_or_driver_is_refused(url):
    driver = re.escape(url.split(":")[0])
    found = f"begins with {driver}://, but the warehouse can only be in PostgreSQL or SQLite"
    with pytest.raises(WarehouseError, match=found) as refused:
        open_warehouse(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:hunter2.db?mode=memory&uri=true"]
)
def test_sqlite_without_a_file_is_refused(url):
    with pytest.raises(WarehouseError, match="does not name a SQLite file") as refused:
        open_warehouse(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://joe:hunter2@host/warehouse.db",
        "sqlite://host/warehouse.db",
        "sqlite:////tmp/warehouse.db?password=hunter2",
        "postgresql://joe@host:5432/db?plugin=hunter2",
    ],
)
def test_parts_that_the_driver_does_not_know_are_refused_without_showing_them(url):
    with pytest.raises(WarehouseError) as refused:
        open_warehouse(url, patience=0)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None or "hunter2" not in str(refused.value.__cause__)


def test_a_warehouse_behind_a_closed_folder_is_named(tmp_path):
    """Root may enter any folder, so the folder is a file here."""
    (tmp_path / "folder").write_text("")
    settings = Settings(database_url=f"sqlite:///{tmp_path}/folder/warehouse.db")
    with pytest.raises(WarehouseError, match=r"warehouse\.db cannot be reached: Not a directory"):
        open_reader(settings)


def test_a_reader_is_told_about_a_newer_schema(engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    settings = Settings(database_url=engine.url.render_as_string(hide_password=False))
    with pytest.raises(WarehouseError, match="has schema 0999, made by newer"):
        open_reader(settings)


def test_a_schema_of_newer_software_is_named(engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(WarehouseError, match=r"has schema 0999, made by newer .* 0003 or earlier"):
        open_warehouse(engine.url.render_as_string(hide_password=False))


def test_more_readers_than_connections_are_told(postgresql_url, monkeypatch):
    monkeypatch.setitem(POSTGRESQL_POOL, "pool_timeout", 0.1)
    monkeypatch.setitem(POSTGRESQL_POOL, "max_overflow", 0)
    engine = open_warehouse(postgresql_url)
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(engine.connect())
        with pytest.raises(WarehouseAwayError, match=r"does not answer: QueuePool limit") as away:
            read_rows(engine, RUNS, 1)
    assert "\n" not in str(away.value)


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "propensity.db").write_text("not a database, only some text" * 100)
    with pytest.raises(WarehouseError, match=r"propensity\.db .*not a database"):
        open_warehouse(f"sqlite:///{tmp_path / 'propensity.db'}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://joe:hunter2@127.0.0.1:1/db",
        "postgresql://joe:hunter2%40%3Fx%3D@127.0.0.1:1/db",
        "postgresql://joe:hunter2?x@127.0.0.1:1/db",
        "postgresql://joe@firm:hunter2@127.0.0.1:1/db",
        "postgresql://joe@127.0.0.1:1/db?password=hunter2&sslmode=prefer",
        "postgresql://127.0.0.1:1/db?user=joe&password=hunter2",
    ],
)
def test_a_server_that_is_away_is_named_without_password(url):
    with pytest.raises(WarehouseAwayError, match=r"127\.0\.0\.1:1/db does not answer") as away:
        open_warehouse(url, patience=0)
    assert "hunter2" not in str(away.value)
    assert "\n" not in str(away.value)
