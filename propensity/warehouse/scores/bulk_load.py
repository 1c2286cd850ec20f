"""Load Parquet parts into the table of a run in batches, to limit memory.

PostgreSQL: COPY, several parts in parallel. SQLite: ADBC.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
from sqlalchemy import Engine

from propensity.errors import WarehouseError
from propensity.progress import OnProgress, ignore_progress
from propensity.scoring.records import ScoredBook
from propensity.storage.parquet_parts import read_batches
from propensity.warehouse.engine import describe, is_postgresql
from propensity.warehouse.scores.run_tables import name_of, table_of

CONNECTIONS = min(4, os.cpu_count() or 1)


def load_scores(
    engine: Engine, run_id: int, scores: ScoredBook, on_progress: OnProgress = ignore_progress
) -> None:
    """Load all parts into the empty table of a run.

    Args:
        engine: The warehouse.
        run_id: Run whose table is loaded.
        scores: Scores to load.
        on_progress: Called with the share of rows loaded.

    Raises:
        WarehouseError: The database refused a row.
    """
    if is_postgresql(engine):
        loaded = _copy_parts(engine, run_id, scores.parts)
    else:
        loaded = _ingest_parts(engine, run_id, scores.parts)
    n_done = 0
    for n_rows in loaded:
        n_done += n_rows
        on_progress(min(1.0, n_done / scores.n_rows))


def _copy_parts(engine: Engine, run_id: int, parts: tuple[Path, ...]) -> Iterator[int]:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        yield from pool.map(lambda part: copy_part(engine, run_id, part), parts)


def copy_part(engine: Engine, run_id: int, part: Path) -> int:
    """Copy one part to PostgreSQL as CSV, on its own connection; return the number of rows."""
    without_header = pacsv.WriteOptions(include_header=False)
    n_rows = 0
    with engine.begin() as connection:
        names = ", ".join(c.name for c in table_of(run_id).c)
        statement = f"COPY {name_of(run_id)} (run_id, {names}) FROM STDIN (FORMAT csv)"
        raw: Any = connection.connection.driver_connection
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            for batch in read_batches(part):
                rows = _order(batch, run_id).add_column(0, "run_id", _repeat(run_id, batch))
                buffer = BytesIO()
                pacsv.write_csv(rows, buffer, without_header)
                copy.write(buffer.getbuffer())
                n_rows += batch.num_rows
    return n_rows


def _repeat(run_id: int, batch: pa.Table) -> pa.Array:
    return pa.repeat(pa.scalar(run_id, pa.int32()), batch.num_rows)


def _order(batch: pa.Table, run_id: int) -> pa.Table:
    return batch.select([c.name for c in table_of(run_id).c])


def _ingest_parts(engine: Engine, run_id: int, parts: tuple[Path, ...]) -> Iterator[int]:
    """Send the parts one by one to a process of propensity.warehouse.scores.sqlite_loader."""
    module = "propensity.warehouse.scores.sqlite_loader"
    command = [sys.executable, "-m", module, str(engine.url.database), name_of(run_id)]
    # no external input: our module, the path of the warehouse, the name of a table
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as loader:  # noqa: S603
        stdin, stdout, stderr = loader.stdin, loader.stdout, loader.stderr
        if stdin is None or stdout is None or stderr is None:  # ruled out by PIPE
            raise RuntimeError
        for part in parts:
            stdin.write(f"{part}\n")
            stdin.flush()
            n_rows = stdout.readline()
            if not n_rows:
                raise WarehouseError(
                    f"Audit of run {run_id}: the warehouse {describe(engine)} refused a row: "
                    f"{stderr.read().strip()}",
                    todo="Nothing was published; readers still see the last published night",
                )
            yield int(n_rows)
