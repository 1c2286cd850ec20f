"""Connect to the warehouse, and turn errors of its drivers into our own."""

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
from propensity.warehouse.urls import hide_url, read_url

ADVICE = "Check PROPENSITY_DATABASE_URL and that the database is running; then run again"
READ_ONLY_ADVICE = (
    "Run as a user who may write the file and its folder, which SQLite in WAL mode needs even to"
    " read, or read a backup made with VACUUM INTO"
)
CONNECT_SECONDS = 10
PATIENCE_SECONDS = 4
"""For commands, whose user is waiting; a night has Settings.warehouse_patience instead."""
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
    "keepalives_idle": 60,  # the night's lock is idle during training
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
POSTGRESQL_POOL = {
    # detect a dead connection when it leaves the pool, not during a publication
    "pool_pre_ping": True,
    "pool_size": 4,
    "pool_timeout": 30,
    "pool_recycle": 1800,
    "connect_args": POSTGRESQL_CONNECT,
}


@cache
def connect(url: str) -> Engine:
    """Create the engine for a URL, once; nothing is sent to the database yet.

    Raises:
        WarehouseError: The URL is invalid.
    """
    parsed = read_url(url)
    with hide_url():
        if parsed.get_backend_name() == "postgresql":
            return create_engine(parsed, hide_parameters=True, **POSTGRESQL_POOL)
        # opening a file is fast, so there is nothing to pool
        engine = create_engine(parsed, hide_parameters=True, poolclass=NullPool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_postgresql(engine: Engine) -> bool:
    """Tell whether partitions, COPY and advisory locks are available."""
    return engine.dialect.name == "postgresql"


def describe(engine: Engine) -> str:
    """Return the URL of the database without password and options, which may hold one too."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


def wait_for(engine: Engine, patience: float = PATIENCE_SECONDS) -> None:
    """Try to connect until it works; connecting changes nothing, so retrying is safe.

    Args:
        engine: The warehouse; SQLite is tried only once.
        patience: Seconds to retry, with growing pauses; an attempt may take CONNECT_SECONDS more.

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
    """Turn a driver's error, whether the database is unreachable or refuses, into one of ours.

    Raises:
        WarehouseAwayError: The connection was refused or lost, or the pool is exhausted.
        WarehouseError: The database refused the request.
    """
    try:
        yield
    except (DBAPIError, PoolTimeoutError, engine.dialect.loaded_dbapi.Error) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        kind, does, todo = WarehouseError, "refused", ADVICE
        if _is_away(engine, said):
            kind, does = WarehouseAwayError, "does not answer"
        elif getattr(said, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY:
            todo = READ_ONLY_ADVICE
        raise kind(
            f"The warehouse {describe(engine)} {does}: {first_line(said)}", todo=todo
        ) from error


def first_line(said: BaseException | None) -> str:
    """Return the first line of a driver's message: the others may hold policyholders' data."""
    return str(said).strip().split("\n", maxsplit=1)[0]


def _is_away(engine: Engine, said: BaseException | None) -> bool:
    """Tell absence or a lock from a wrong statement: SQLite raises the same error for all."""
    if not isinstance(said, engine.dialect.loaded_dbapi.OperationalError):
        return isinstance(said, PoolTimeoutError)
    code = getattr(said, "sqlite_errorcode", sqlite3.SQLITE_BUSY)
    return code & 0xFF in SQLITE_AWAY  # the higher bits are details


def begin_write(engine: Engine) -> AbstractContextManager[Connection]:
    """Begin a transaction that writes.

    On SQLite it takes the write lock immediately: a transaction that reads before it writes would
    be refused, without waiting, while another one is writing.
    """
    return engine.execution_options(writes=True).begin()


@contextmanager
def begin_snapshot(engine: Engine) -> Iterator[Connection]:
    """Begin a read transaction whose statements all see the same state of the warehouse.

    Raises:
        WarehouseError: The database does not answer, has no schema yet, or refuses this user.
    """
    # every transaction in SQLite reads one snapshot
    level = {"isolation_level": "REPEATABLE READ"} if is_postgresql(engine) else {}
    with explain_absence(engine), engine.connect().execution_options(**level) as connection:
        yield connection


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get("writes", False)
    if not options.get("checks_foreign_keys", True):
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")  # no effect in a transaction
    if writes:  # only here: a reader changes nothing, not even the journal mode
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # readers never wait for the writer
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Make transactions cover DDL, check foreign keys, and wait for locks."""
    connection.isolation_level = None  # otherwise the driver commits before DDL; we send BEGIN
    for pragma in ("foreign_keys = ON", "busy_timeout = 30000"):
        connection.execute(f"PRAGMA {pragma}")
