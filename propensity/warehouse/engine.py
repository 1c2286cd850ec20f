"""Connect to the warehouse."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from propensity.errors import WarehouseAwayError, WarehouseError
from propensity.warehouse.urls import read_url

TODO = "Check PROPENSITY_DATABASE_URL and that the database is up; then run again"
READ_ONLY_TODO = (
    "Run as a user who may write the file and its folder, which SQLite in WAL mode needs even to"
    " read, or read a backup made with VACUUM INTO"
)
CONNECT_SECONDS = 10
PATIENCE_SECONDS = 4
"""A person waits; in the middle of a night more is at stake: Settings.warehouse_patience."""
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
POSTGRESQL_CONNECT = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "propensity",
    "keepalives_idle": 60,  # the night's lock idles while the model is trained
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
POSTGRESQL_POOL = {
    # a dead connection is found when it is taken from the pool, not in the middle of a publish
    "pool_pre_ping": True,
    "pool_size": 4,
    "pool_timeout": 30,
    "pool_recycle": 1800,
    "connect_args": POSTGRESQL_CONNECT,
}


@cache
def connect(url: str) -> Engine:
    """Make the engine of a URL, once; nothing is sent to the database yet.

    Raises:
        WarehouseError: The URL is not one.
    """
    parsed = read_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, hide_parameters=True, **POSTGRESQL_POOL)
    # a file opens at once; nothing to keep
    engine = create_engine(parsed, hide_parameters=True, poolclass=NullPool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_postgresql(engine: Engine) -> bool:
    """Tell whether partitions, COPY and advisory locks are there."""
    return engine.dialect.name == "postgresql"


def describe(engine: Engine) -> str:
    """Name the database without password or options, which may hold one."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


def wait_for(engine: Engine, patience: float = PATIENCE_SECONDS) -> None:
    """Try to connect until it works: connecting changes nothing, so it may be repeated.

    Args:
        engine: Only a server is waited for; a file is there or is not.
        patience: Seconds, in pauses that grow; an attempt itself may take CONNECT_SECONDS more.

    Raises:
        WarehouseAwayError: The database does not answer.
    """
    end, pause = time.monotonic() + patience, PAUSE_SECONDS
    with explain_absence(engine):
        while is_postgresql(engine) and (left := end - time.monotonic()) > 0:
            try:
                engine.connect().close()
            except OperationalError:
                time.sleep(min(pause, left))
                pause = min(3 * pause, LONGEST_PAUSE_SECONDS)
            else:
                return
        engine.connect().close()


@contextmanager
def explain_absence(engine: Engine) -> Iterator[None]:
    """Turn what a driver says about a database that is away or refuses into one message.

    Raises:
        WarehouseAwayError: The connection was refused or lost, or all of ours are in use.
        WarehouseError: The database refused what it was asked.
    """
    try:
        yield
    except (DBAPIError, PoolTimeoutError, engine.dialect.loaded_dbapi.Error) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        kind, does, todo = WarehouseError, "refused", TODO
        if _is_away(engine, said):
            kind, does = WarehouseAwayError, "does not answer"
        elif getattr(said, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY:
            todo = READ_ONLY_TODO
        # of the driver's words the first line: the others may hold policyholders
        first = str(said).strip().split("\n", maxsplit=1)[0]
        raise kind(f"The warehouse {describe(engine)} {does}: {first}", todo=todo) from error


def _is_away(engine: Engine, said: BaseException | None) -> bool:
    """Tell an absence or a lock from a wrong statement: of all SQLite makes the same error."""
    if not isinstance(said, engine.dialect.loaded_dbapi.OperationalError):
        return isinstance(said, PoolTimeoutError)
    code = getattr(said, "sqlite_errorcode", sqlite3.SQLITE_BUSY)
    return code & 0xFF in SQLITE_AWAY  # the other bits say more


def begin_write(engine: Engine) -> AbstractContextManager[Connection]:
    """Begin a transaction that writes.

    SQLite is told so at once: a transaction that has read before it writes is refused without
    waiting when somebody else is writing.
    """
    return engine.execution_options(writes=True).begin()


@contextmanager
def begin_snapshot(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that reads: all its statements see the warehouse of one moment.

    Raises:
        WarehouseError: The database does not answer, has no schema yet, or this user may not.
    """
    # a transaction in SQLite is always of one snapshot
    level = {"isolation_level": "REPEATABLE READ"} if is_postgresql(engine) else {}
    with explain_absence(engine), engine.connect().execution_options(**level) as connection:
        yield connection


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get("writes", False)
    if not options.get("checks_foreign_keys", True):
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")  # without effect once begun
    if writes:  # not before: a reader changes nothing, not even how a file is kept
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # readers never wait for the writer
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Let transactions be real, DDL included, and wait for a lock."""
    connection.isolation_level = None  # or the driver commits before DDL; BEGIN is ours
    for pragma in ("foreign_keys = ON", "busy_timeout = 30000"):
        connection.execute(f"PRAGMA {pragma}")
