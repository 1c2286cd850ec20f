"""The table of one run: filled out of sight, then shown through policyholder_scores.

On PostgreSQL policyholder_scores is partitioned by run. On SQLite it is a view over the tables of
the runs, recreated when the pointer moves or a table is dropped.
"""

import re
from collections.abc import Iterable

from sqlalchemy import Column, Connection, Engine, Index, MetaData, Table, inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from propensity.errors import WarehouseError
from propensity.warehouse.engine import begin_write, is_postgresql
from propensity.warehouse.schema.tables import policyholder_scores
from propensity.warehouse.scores import joined_view, partitions

PREFIX = "policyholder_scores_r"


def name_of(run_id: int) -> str:
    """Return the name of the table of a run."""
    return f"{PREFIX}{run_id:d}"


def is_made_by_migrations(table: str, dialect: str) -> bool:
    """Tell whether Alembic owns a table; this module creates and drops the tables of runs."""
    is_view = dialect != "postgresql" and table == policyholder_scores.name
    return not (is_view or re.fullmatch(PREFIX + r"\d+", table))


def table_of(run_id: int) -> Table:
    """Return the table of a run without run_id, which only partitions have."""
    columns = (c for c in policyholder_scores.c if c.name != "run_id")
    copies = (Column(c.name, c.type, nullable=c.nullable) for c in columns)
    return Table(name_of(run_id), MetaData(), *copies)


def find_stored(engine: Engine) -> set[int]:
    """Return the runs that have a table, attached or not."""
    names = inspect(engine).get_table_names()
    return {int(n.removeprefix(PREFIX)) for n in names if re.fullmatch(PREFIX + r"\d+", n)}


def create(engine: Engine, run_id: int) -> None:
    """Create the empty table of a run, unseen by readers; replace one that was left behind."""
    drop(engine, [run_id])
    if is_postgresql(engine):
        partitions.create(engine, name_of(run_id), run_id)
        return
    with begin_write(engine) as connection:
        connection.execute(CreateTable(table_of(run_id)))


def index(engine: Engine, run_id: int) -> None:
    """Index and analyse a loaded table; the unique index detects duplicate ids.

    Raises:
        WarehouseError: An id occurs more than once.
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
            f"Audit of run {run_id}: a policyholder_id occurs more than once",
            expected="each policyholder once",
            todo="Nothing was published; readers still see the last published night",
        ) from error


def attach(engine: Engine, run_id: int) -> None:
    """Attach the table to policyholder_scores; the views still show the run of the pointer."""
    if is_postgresql(engine):
        partitions.attach(engine, name_of(run_id), run_id)


def follow_pointer(connection: Connection) -> None:
    """Recreate policyholder_scores on SQLite, in the transaction that moved the pointer.

    On PostgreSQL there is nothing to do: every stored run is attached already.
    """
    if connection.dialect.name != "postgresql":
        joined_view.join(connection, _name_tables(joined_view.choose(connection)))


def _name_tables(run_ids: Iterable[int]) -> dict[int, str]:
    return {run_id: name_of(run_id) for run_id in run_ids}


def drop(engine: Engine, run_ids: Iterable[int]) -> None:
    """Drop the tables of runs; readers of other runs neither wait nor notice.

    On PostgreSQL a table that a long-running reader holds stays, with a warning, until the next
    clean-up.
    """
    mine = set(run_ids) & find_stored(engine)
    if is_postgresql(engine):
        for run_id in sorted(mine):
            partitions.drop(engine, name_of(run_id))
    elif mine:
        with begin_write(engine) as connection:
            kept = joined_view.choose(connection, without=mine)
            joined_view.join(connection, _name_tables(kept))
            for run_id in mine:
                connection.execute(DropTable(table_of(run_id)))
