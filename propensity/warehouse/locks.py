"""Locks that end with the process that holds them, however it ends."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Literal

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from propensity.errors import BusyError, WarehouseError
from propensity.warehouse.engine import POSTGRESQL_CONNECT, describe, is_postgresql

Work = Literal["night", "publish", "migrate", "promote", "pointer", "suppress"]
_numbers: dict[Work, int] = {
    "night": 1,
    "publish": 2,
    "migrate": 3,
    "promote": 4,
    "pointer": 5,
    "suppress": 6,
}
PROPENSITY = 0x70726F70
"""First half of our PostgreSQL advisory locks: 'prop'."""


@contextmanager
def only_one(engine: Engine, work: Work) -> Iterator[None]:
    """Hold the warehouse's lock on a kind of work; who comes second is refused at once.

    PostgreSQL: an advisory lock on a connection of its own. SQLite: a lock on a file beside the
    database, so that nobody who only reads or suppresses has to wait.

    Raises:
        BusyError: Somebody else holds it.
        WarehouseError: The file cannot be written.
    """
    if is_postgresql(engine):
        key = {"first": PROPENSITY, "second": _numbers[work]}
        lock = text("SELECT pg_try_advisory_lock(:first, :second)")
        # a connection of its own: it goes when the work is done, and the lock with it
        own = create_engine(
            engine.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=POSTGRESQL_CONNECT,
        )
        with own.connect() as connection:
            if not connection.execute(lock, key).scalar_one():
                raise _refuse(engine, work)
            try:
                yield
            finally:
                # the server hears of a closed connection a moment later; a lost one holds nothing
                with suppress(OperationalError):
                    connection.execute(text("SELECT pg_advisory_unlock(:first, :second)"), key)
    else:
        with _lock_file(engine, work):
            yield


def _lock_file(engine: Engine, work: Work) -> AbstractContextManager[object]:
    """Lock the file; programs that the holder starts do not inherit it, and it is never removed."""
    file = f"{engine.url.database}-{work}.lock"
    try:
        return FileLock(file, blocking=False, fallback_to_soft=False).acquire()
    except Timeout:
        raise _refuse(engine, work) from None
    except OSError as error:
        raise WarehouseError(
            f"The lock file {file} cannot be written",
            todo="Run as the user who owns it, or remove it while nobody is at work",
        ) from error


def _refuse(engine: Engine, work: Work) -> BusyError:
    return BusyError(
        f"Another {work} is under way in the warehouse {describe(engine)}; nothing was changed",
        todo="Wait for it, or look for it in the Prefect UI and cancel it there",
    )


def wait_for_lock(connection: Connection, work: Work) -> None:
    """Wait for a lock that the transaction then holds; SQLite's writers wait anyway."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(:first, :second)")
        connection.execute(lock, {"first": PROPENSITY, "second": _numbers[work]})
