"""Open the warehouse: to write, its schema brought up to date, or only to read."""

from sqlalchemy import Engine

from propensity.warehouse.engine import (
    PATIENCE_SECONDS,
    connect,
    explain_absence,
    is_postgresql,
    wait_for,
)
from propensity.warehouse.schema.migration import check_known, is_up_to_date, migrate


def open_warehouse(url: str, patience: float = PATIENCE_SECONDS) -> Engine:
    """Connect, and apply the migrations that are missing.

    Args:
        url: SQLAlchemy URL; of a SQLite file the folder is made.
        patience: Seconds a server that does not answer is waited for.

    Raises:
        WarehouseError: The URL is not one, the database does not answer, or newer software made it.
    """
    engine = connect(url)
    wait_for(engine, patience)
    with explain_absence(engine):
        if not is_up_to_date(engine):
            check_known(engine)
            migrate(engine, "head")
    return engine


def open_reader(url: str) -> Engine:
    """Connect to read: on a server a reader need not have the right to look at migrations.

    Args:
        url: SQLAlchemy URL; a SQLite file is brought up to date first.

    Raises:
        WarehouseError: The URL is not one, or the database does not answer.
    """
    engine = connect(url)
    if not is_postgresql(engine):
        return open_warehouse(url)
    wait_for(engine)
    return engine
