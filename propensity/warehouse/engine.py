"""Connect to the warehouse and bring its schema up to date."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from propensity.errors import WarehouseError

migrations_folder = Path(__file__).parents[2] / "migrations"


def open_warehouse(url: str) -> Engine:
    """Connect, and apply the migrations that are missing.

    Args:
        url: SQLAlchemy URL; of a SQLite file the folder is made.

    Raises:
        WarehouseError: The URL is not one, or the database does not answer.
    """
    engine = connect(url)
    config = Config(attributes={"engine": engine})
    config.set_main_option("script_location", str(migrations_folder))
    try:
        command.upgrade(config, "head")
    except DBAPIError as error:
        raise WarehouseError(
            f"The warehouse {engine.url.render_as_string()} does not answer: {error.orig}",
            todo="Check PROPENSITY_DATABASE_URL and that the database is up; then run again",
        ) from error
    return engine


def connect(url: str) -> Engine:
    """Make an engine; nothing is sent to the database yet.

    Raises:
        WarehouseError: The URL is not one.
    """
    try:
        parsed = make_url(url)
        parsed.get_dialect().import_dbapi()
    except (ArgumentError, ValueError, ImportError):
        # the text may hold a password, and so may the error: never show either
        raise WarehouseError(
            "PROPENSITY_DATABASE_URL is not a database URL, or its driver is not installed",
            expected="for example sqlite:////srv/propensity/propensity.db",
        ) from None
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, poolclass=NullPool)  # a file opens at once; nothing to keep
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def begin_write(engine: Engine) -> AbstractContextManager[Connection]:
    """Begin a transaction that writes.

    SQLite is told so at once: a transaction that has read before it writes is refused without
    waiting when somebody else is writing.
    """
    return engine.execution_options(writes=True).begin()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Real transactions, DDL included; readers never wait for the writer."""
    connection.isolation_level = None  # or the driver commits before DDL; BEGIN is ours
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "busy_timeout = 30000"):
        connection.execute(f"PRAGMA {pragma}")
