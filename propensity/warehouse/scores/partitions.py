"""The table of a run as a partition of policyholder_scores, on PostgreSQL."""

import logging
import time

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from propensity.warehouse.engine import begin_write
from propensity.warehouse.schema.tables import policyholder_scores, suppressions

logger = logging.getLogger(__name__)
PATIENCE_SECONDS = 10
LOCK_TIMEOUT = "5s"
INDEX_MEMORY = "256MB"


def create(engine: Engine, name: str, run_id: int) -> None:
    """Create the table that will become the partition of a run."""
    like = f"LIKE {policyholder_scores.name} INCLUDING DEFAULTS"
    # spares ATTACH PARTITION from scanning the whole table
    check = f"CONSTRAINT ck_{name}_run CHECK (run_id = {run_id:d})"
    with begin_write(engine) as connection:
        connection.exec_driver_sql(f"CREATE TABLE {name} ({like}, {check})")


def index(connection: Connection, name: str) -> None:
    """Index and analyse a loaded table.

    Only the last statement blocks the audit, which reads meanwhile, and it takes no time.
    """
    for statement in (
        f"SET LOCAL maintenance_work_mem = '{INDEX_MEMORY}'",
        f"CREATE UNIQUE INDEX {name}_pkey ON {name} (run_id, policyholder_id)",
        f"CREATE INDEX ix_{name}_rank ON {name} (run_id, lead_rank) WHERE lead_rank IS NOT NULL",
        f"ANALYZE {name}",
        f"ALTER TABLE {name} ADD CONSTRAINT {name}_pkey PRIMARY KEY USING INDEX {name}_pkey",
    ):
        connection.exec_driver_sql(statement)


def attach(engine: Engine, name: str, run_id: int) -> None:
    """Attach the table to policyholder_scores, and wait for transactions that planned without it.

    If the pointer moved between their plan and their snapshot, they would find no rows. The wait
    is at most PATIENCE_SECONDS.
    """
    parent = policyholder_scores.name
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES IN ({run_id:d})"
        )
    _analyse_parent(engine)
    older, deadline = _find_readers(engine), time.monotonic() + PATIENCE_SECONDS
    while (older := older & _find_readers(engine)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _analyse_parent(engine: Engine) -> None:
    """Analyse all runs together, which autovacuum never does; without it the planner sorts.

    Also analyse suppressions, which the view leads excludes.
    """
    with engine.begin() as connection:
        is_18 = (connection.dialect.server_version_info or (0,)) >= (18,)
        only = "ONLY " if is_18 else ""  # older versions analyse all partitions again
        connection.exec_driver_sql(f"ANALYZE {only}{policyholder_scores.name}")
        connection.exec_driver_sql(f"ANALYZE {suppressions.name}")


def _find_readers(engine: Engine) -> set[str]:
    query = text(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND relation = CAST(:parent AS regclass) AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        found = connection.execute(query, {"parent": policyholder_scores.name})
        return set(found.scalars())


def drop(engine: Engine, name: str) -> None:
    """Drop the table of a run; if a long-running reader holds it, keep it and log a warning."""
    try:
        _detach(engine, name)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            connection.exec_driver_sql(f"DROP TABLE {name}")
    except DBAPIError as error:
        why = str(error.orig).split("\n", maxsplit=1)[0]
        logger.warning("Table %s stays until the next clean-up: %s", name, why)


def _detach(engine: Engine, name: str) -> None:
    """Detach a partition without blocking readers, or finish a detachment that crashed."""
    query = text(
        "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = CAST(:name AS regclass)"
    )
    with engine.connect() as connection:
        pending = connection.execute(query, {"name": name}).scalar_one_or_none()
    if pending is None:
        return
    how = "FINALIZE" if pending else "CONCURRENTLY"
    statement = f"ALTER TABLE {policyholder_scores.name} DETACH PARTITION {name} {how}"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            connection.exec_driver_sql(statement)
        finally:
            connection.exec_driver_sql("RESET lock_timeout")
