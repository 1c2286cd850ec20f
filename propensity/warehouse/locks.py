"""Locks that are released when the process that holds them exits, even if it is killed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
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
"""First key of our PostgreSQL advisory locks: 'prop' in ASCII."""


@contextmanager
def only_one(engine: Engine, work: Work) -> Iterator[None]:
    """Hold the warehouse's lock on a kind of work; a second holder is refused immediately.

    PostgreSQL: an advisory lock on a separate connection. SQLite: a lock on a file next to the
    database, so that readers and suppressions need not wait.

    Raises:
        BusyError: Another process holds the lock.
        WarehouseError: The lock file cannot be written.
    """
    if is_postgresql(engine):
        key = {"first": PROPENSITY, "second": _numbers[work]}
        lock = text("SELECT pg_try_advisory_lock(:first, :second)")
        # a separate connection: closing it releases the lock
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
                # the server notices a closed connection late; a lost one holds nothing
                with suppress(OperationalError):
                    connection.execute(text("SELECT pg_advisory_unlock(:first, :second)"), key)
    else:
        with lock_file(Path(f"{engine.url.database}-{work}.lock"), _refuse(engine, work)):
            yield


def lock_file(file: Path, busy: BusyError) -> AbstractContextManager[object]:
    """Lock a file, which is never removed; child processes do not inherit the lock.

    Args:
        file: The lock file; it and its folder are created.
        busy: Raised if another process holds the lock.

    Raises:
        BusyError: Another process holds the lock.
        WarehouseError: The lock file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(file, blocking=False, fallback_to_soft=False).acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        raise WarehouseError(
            f"The lock file {file} cannot be written: {error.strerror}",
            todo="Run as the user who owns the file and its folder; if it is not a plain file,"
            " remove it while nothing is running",
        ) from error


def _refuse(engine: Engine, work: Work) -> BusyError:
    return BusyError(
        f"Another {work} is under way in the warehouse {describe(engine)}; nothing was changed",
        todo="Wait until it has finished, or cancel it in the Prefect UI",
    )


def wait_for_lock(connection: Connection, work: Work) -> None:
    """Wait for a lock that the transaction then holds; SQLite writers wait in any case."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(:first, :second)")
        connection.execute(lock, {"first": PROPENSITY, "second": _numbers[work]})
