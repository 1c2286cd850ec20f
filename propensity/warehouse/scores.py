"""The scores of one run: a table of its own, filled out of sight, behind policyholder_scores.

On PostgreSQL policyholder_scores is partitioned by run; elsewhere it is a view that joins the
tables of the runs, made anew when one comes or goes. Dropping a night is dropping a table.
"""

import re
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
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from propensity.errors import WarehouseError
from propensity.warehouse import partitions
from propensity.warehouse.engine import begin_write, is_postgresql
from propensity.warehouse.tables import (
    policyholder_scores,
    published_run,
    scoring_runs,
)

PREFIX = "policyholder_scores_r"


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
    if is_postgresql(engine):
        partitions.create(engine, name_of(run_id), run_id)
        return
    with begin_write(engine) as connection:
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
                partitions.index(connection, name)
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


def attach(engine: Engine, run_id: int) -> None:
    """Put the table behind policyholder_scores; the views still show the run of the pointer."""
    if is_postgresql(engine):
        partitions.attach(engine, name_of(run_id), run_id)
        return
    with begin_write(engine) as connection:
        _join_tables(connection, _find_attached(connection) | {run_id})


def drop(engine: Engine, run_ids: Iterable[int]) -> None:
    """Drop the tables of runs; readers of other runs neither wait nor notice.

    A table that a long reader holds on PostgreSQL stays, with a warning; whoever cleans up next
    tries again.
    """
    mine = set(run_ids) & find_stored(engine)
    if is_postgresql(engine):
        for run_id in sorted(mine):
            partitions.drop(engine, name_of(run_id))
    elif mine:
        with begin_write(engine) as connection:
            _join_tables(connection, _find_attached(connection) - mine)
            for run_id in mine:
                connection.execute(DropTable(table_of(run_id)))


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
