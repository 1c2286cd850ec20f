"""policyholder_scores as a view over the tables of runs, because SQLite has no partitions."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from propensity.warehouse.schema.tables import policyholder_scores, published_run, scoring_runs

MAX_TABLES = 400
"""SQLite unites at most 500; more nights may be stored, as each promotion keeps its own."""


def choose(connection: Connection, without: Collection[int] = ()) -> list[int]:
    """Return the runs to include: the one that readers see, the night before it, then the newest.

    A run that is left out stays stored, and is included when readers are sent back to it.

    Args:
        connection: Connection in the transaction that recreates the view.
        without: Runs whose tables are about to be dropped.
    """
    runs, pointer = scoring_runs.c, published_run.c
    pointed_at = select(pointer.run_id, pointer.previous_run_id)
    now, before = connection.execute(pointed_at).first() or (None, None)
    published = (
        select(runs.run_id)
        .where(runs.status == "published")
        .order_by(runs.run_id != before, runs.as_of.desc(), runs.run_id.desc())
    )
    best_first = dict.fromkeys([now, *connection.execute(published).scalars()])
    wanted = [run_id for run_id in best_first if run_id is not None and run_id not in without]
    return sorted(wanted[:MAX_TABLES])


def join(connection: Connection, tables: dict[int, str]) -> None:
    """Recreate the view.

    Args:
        connection: Connection in a write transaction.
        tables: Name of the table of each run.
    """
    names = ", ".join(c.name for c in policyholder_scores.c if c.name != "run_id")
    # a view takes no bound parameters; the names are our own, and the run is an integer
    arms = [
        f"SELECT {run_id:d} AS run_id, {names} FROM {table}"  # noqa: S608
        for run_id, table in tables.items()
    ]
    nobody = ", ".join(f"NULL AS {c.name}" for c in policyholder_scores.c)
    connection.exec_driver_sql(f"DROP VIEW {policyholder_scores.name}")
    connection.exec_driver_sql(
        f"CREATE VIEW {policyholder_scores.name} AS "
        + (" UNION ALL ".join(arms) or f"SELECT {nobody} WHERE 1 = 0")
    )
