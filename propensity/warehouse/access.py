"""Open the warehouse: create or migrate it for a night, or open an existing one."""

from contextlib import nullcontext, suppress
from pathlib import Path

from sqlalchemy import Engine, inspect
from sqlalchemy.exc import ProgrammingError

from propensity.errors import WarehouseError
from propensity.settings import Settings
from propensity.warehouse.engine import (
    PATIENCE_SECONDS,
    connect,
    describe,
    explain_absence,
    is_postgresql,
    wait_for,
)
from propensity.warehouse.schema.migration import (
    check_known,
    check_readable,
    is_up_to_date,
    migrate,
)


def open_warehouse(url: str, patience: float = PATIENCE_SECONDS) -> Engine:
    """Connect, create what is missing, and apply pending migrations.

    Args:
        url: SQLAlchemy URL; the folder of a SQLite file is created.
        patience: Seconds to wait for a server that does not answer.

    Raises:
        WarehouseError: The URL is invalid, the database does not answer, or newer software made it.
    """
    engine = connect(url)
    if not is_postgresql(engine):
        Path(str(engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
    wait_for(engine, patience)
    with explain_absence(engine):
        if not is_up_to_date(engine):
            check_known(engine)
            migrate(engine, "head")
    return engine


def open_existing(settings: Settings, *, may_be_empty: bool = False) -> Engine:
    """Connect to an existing warehouse, and apply pending migrations.

    Args:
        settings: Settings that name the warehouse.
        may_be_empty: Accept a database without tables, and create them.

    Raises:
        WarehouseError: There is no warehouse, or `open_warehouse` fails.
    """
    _find_warehouse(settings, may_be_empty=may_be_empty)
    return open_warehouse(settings.warehouse_url)


def open_reader(settings: Settings) -> Engine:
    """Connect for reading; nothing is created or changed.

    Raises:
        WarehouseError: There is no warehouse, its schema is too old or too new, the URL is invalid,
            or the database does not answer.
    """
    engine = _find_warehouse(settings)
    # a reader on PostgreSQL may lack the right to read which migrations were applied
    forbidden = suppress(ProgrammingError) if is_postgresql(engine) else nullcontext()
    with explain_absence(engine), forbidden:
        check_readable(engine)
    return engine


def _find_warehouse(settings: Settings, *, may_be_empty: bool = False) -> Engine:
    engine = connect(settings.warehouse_url)
    if not is_postgresql(engine):
        _find_file(Path(str(engine.url.database)), settings)
    wait_for(engine)
    with explain_absence(engine):
        if not may_be_empty and not inspect(engine).has_table("leads"):
            raise _explain_nothing(settings, f"{describe(engine)} has no view leads")
    return engine


def _find_file(path: Path, settings: Settings) -> None:
    try:
        file = path.resolve()
        file.stat()
    except FileNotFoundError:
        raise _explain_nothing(settings, f"the file {path.resolve()} does not exist") from None
    except OSError as error:
        raise WarehouseError(
            f"The warehouse file {path} cannot be reached: {error.strerror}",
            todo="Run as a user who may read it and its folder",
        ) from error


def _explain_nothing(settings: Settings, found: str) -> WarehouseError:
    return WarehouseError(
        f"There is no warehouse: {found}. {settings.warehouse_origin}",
        todo="Create the warehouse by running a night (`propensity run`), or set one of these"
        " variables so that it names your warehouse",
    )
