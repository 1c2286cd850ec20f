"""The scores of one run: a table of its own, filled out of sight, behind policyholder_scores.

On PostgreSQL policyholder_scores is partitioned by run; elsewhere it is a view that joins the
tables of the runs, made anew when one comes or goes. Dropping a night is dropping a table.
"""

import logging
import re
import time
from collections.abc import Iterable

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Index,
    MetaData,
    Table,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from propensity.errors import WarehouseError
from propensity.warehouse.engine import begin_write, is_postgresql
from propensity.warehouse.tables import (
    policyholder_scores,
    published_run,
    scoring_runs,
    suppressions,
)

logger = logging.getLogger(__name__)
PREFIX = "policyholder_scores_r"
PATIENCE_SECONDS = 10
LOCK_TIMEOUT = "5s"
INDEX_MEMORY = "256MB"


def name_of(run_id: int) -> str:
    """Name of the table of a run."""
    return f"{PREFIX}{run_id:d}"


def is_made_by_migrations(table: str, dialect: str) -> bool:
    """Tell whether Alembic owns a table; it does not own those of runs, made and dropped here."""
    is_view = dialect != "postgresql" and table == policyholder_scores.name
    return not (is_view or re.fullmatch(PREFIX + r"\d+", table))


def table_of(run_id: int) -> Table:
    """Describe the table of a run; run_id is a column only where partitions need it."""
    columns = (c for c in policyholder_scores.c if c.name != "run_id")
    copies = (Column(c.name, c.type, nullable=c.nullable) for c in columns)
    return Table(name_of(run_id), MetaData(), *copies)


def find_stored(engine: Engine) -> set[int]:
    """Return the runs that have a table, attached or not."""
    names = inspect(engine).get_table_names()
    return {int(n.removeprefix(PREFIX)) for n in names if re.fullmatch(PREFIX + r"\d+", n)}


def create(engine: Engine, run_id: int) -> None:
    """Make the empty table of a run that no reader looks at; one left behind is replaced."""
    drop(engine, [run_id])
    with begin_write(engine) as connection:
        if is_postgresql(engine):
            like, name = f"LIKE {policyholder_scores.name} INCLUDING DEFAULTS", name_of(run_id)
            # says what attaching would otherwise read the whole table to find out
            check = f"CONSTRAINT ck_{name}_run CHECK (run_id = {run_id:d})"
            connection.exec_driver_sql(f"CREATE TABLE {name} ({like}, {check})")
        else:
            connection.execute(CreateTable(table_of(run_id)))


def index(engine: Engine, run_id: int) -> None:
    """Index and analyse a loaded table; an id that is there twice cannot be.

    Raises:
        WarehouseError: An id is there twice.
    """
    name = name_of(run_id)
    try:
        with begin_write(engine) as connection:
            if is_postgresql(engine):
                _index_partition(connection, run_id)
            else:
                table = table_of(run_id)
                unique = Index(f"uq_{name}_policyholder_id", table.c.policyholder_id, unique=True)
                ranked = table.c.lead_rank.is_not(None)
                by_rank = Index(f"ix_{name}_lead_rank", table.c.lead_rank, sqlite_where=ranked)
                connection.execute(CreateIndex(unique))
                connection.execute(CreateIndex(by_rank))
    except IntegrityError as error:
        raise WarehouseError(
            f"Audit of run {run_id}: an id is there twice ({error.orig})",
            expected="each policyholder once",
            todo="Nothing was published: the last good night stays readable",
        ) from error


def _index_partition(connection: Connection, run_id: int) -> None:
    """Only the last statement keeps the audit from reading meanwhile, and it takes no time."""
    name = name_of(run_id)
    for statement in (
        f"SET LOCAL maintenance_work_mem = '{INDEX_MEMORY}'",
        f"CREATE UNIQUE INDEX {name}_pkey ON {name} (run_id, policyholder_id)",
        f"CREATE INDEX ix_{name}_rank ON {name} (run_id, lead_rank) WHERE lead_rank IS NOT NULL",
        f"ANALYZE {name}",
        f"ALTER TABLE {name} ADD CONSTRAINT {name}_pkey PRIMARY KEY USING INDEX {name}_pkey",
    ):
        connection.exec_driver_sql(statement)


def attach(engine: Engine, run_id: int) -> None:
    """Put the table behind policyholder_scores; the views still show the run of the pointer.

    On PostgreSQL also wait for the transactions that planned without the new partition, at most
    PATIENCE_SECONDS: with the pointer moved between plan and snapshot they would find nothing.
    """
    if not is_postgresql(engine):
        with begin_write(engine) as connection:
            _join_tables(connection, _find_attached(connection) | {run_id})
        return
    parent, name = policyholder_scores.name, name_of(run_id)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES IN ({run_id:d})"
        )
    _analyse_parent(engine)
    older, deadline = _find_readers(engine), time.monotonic() + PATIENCE_SECONDS
    while (older := older & _find_readers(engine)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _analyse_parent(engine: Engine) -> None:
    """Tell the planner about all runs together, which autovacuum never does: or it sorts.

    And about suppressions, which leads leaves out.
    """
    with engine.begin() as connection:
        is_18 = (connection.dialect.server_version_info or (0,)) >= (18,)
        only = "ONLY " if is_18 else ""  # before, all partitions are analysed again
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


def drop(engine: Engine, run_ids: Iterable[int]) -> None:
    """Drop the tables of runs; readers of other runs neither wait nor notice.

    A table that a long reader holds on PostgreSQL stays, with a warning; whoever cleans up next
    tries again.
    """
    mine = set(run_ids) & find_stored(engine)
    if is_postgresql(engine):
        for run_id in sorted(mine):
            try:
                _detach(engine, run_id)
                with engine.begin() as connection:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                    connection.exec_driver_sql(f"DROP TABLE {name_of(run_id)}")
            except DBAPIError as error:
                why = str(error.orig).split("\n", maxsplit=1)[0]
                logger.warning("%s stays until the next clean-up: %s", name_of(run_id), why)
    elif mine:
        with begin_write(engine) as connection:
            _join_tables(connection, _find_attached(connection) - mine)
            for run_id in mine:
                connection.execute(DropTable(table_of(run_id)))


def _detach(engine: Engine, run_id: int) -> None:
    """Take a partition out without locking readers out; finish it where a crash cut it short."""
    query = text(
        "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = CAST(:name AS regclass)"
    )
    with engine.connect() as connection:
        pending = connection.execute(query, {"name": name_of(run_id)}).scalar_one_or_none()
    if pending is None:
        return
    how = "FINALIZE" if pending else "CONCURRENTLY"
    statement = f"ALTER TABLE {policyholder_scores.name} DETACH PARTITION {name_of(run_id)} {how}"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            connection.exec_driver_sql(statement)
        finally:
            connection.exec_driver_sql("RESET lock_timeout")


def _find_attached(connection: Connection) -> set[int]:
    """Runs behind the view: those published, and the one readers see whatever its status."""
    published = select(scoring_runs.c.run_id).where(scoring_runs.c.status == "published")
    pointed_at = select(published_run.c.run_id)
    return set(connection.execute(published.union(pointed_at)).scalars())


def _join_tables(connection: Connection, run_ids: set[int]) -> None:
    names = ", ".join(c.name for c in policyholder_scores.c if c.name != "run_id")
    arms = [
        f"SELECT {run_id:d} AS run_id, {names} FROM {name_of(run_id)}"  # noqa: S608
        for run_id in sorted(run_ids)
    ]
    nobody = ", ".join(f"NULL AS {c.name}" for c in policyholder_scores.c)
    connection.exec_driver_sql(f"DROP VIEW {policyholder_scores.name}")
    connection.exec_driver_sql(
        f"CREATE VIEW {policyholder_scores.name} AS "
        + (" UNION ALL ".join(arms) or f"SELECT {nobody} WHERE 1 = 0")
    )
