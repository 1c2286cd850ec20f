"""Load Parquet parts into SQLite with ADBC, in a separate process.

ADBC brings a second copy of SQLite. Two copies in one process do not see each other's locks, and
the first to close its connection drops the locks of both, which can damage the database
(https://www.sqlite.org/howtocorrupt.html, section 2.2.1). Two processes are safe.

    python -m propensity.warehouse.scores.sqlite_loader DATABASE TABLE

reads the path of a part from each line of its input and answers with the number of rows loaded. It
exits at the end of its input, therefore also when the process that feeds it is killed. Each part is
a transaction of its own, so that other writers need not wait for all parts.
"""

import sys

import adbc_driver_sqlite
import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_manager import AdbcConnection, AdbcStatement, Error

BUSY_MILLISECONDS = 30_000


def main(database: str, table: str) -> None:
    """Load the parts that standard input names, one after the other."""
    # the low-level API: adbc_driver_sqlite.dbapi imports pandas, which takes 0.3 s
    with adbc_driver_sqlite.connect(database) as opened, AdbcConnection(opened) as connection:
        with AdbcStatement(connection) as statement:
            statement.set_sql_query(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            statement.execute_update()
        for line in sys.stdin:
            n_rows = ingest(connection, table, line.rstrip("\n"))
            sys.stdout.write(f"{n_rows}\n")
            sys.stdout.flush()


def ingest(connection: AdbcConnection, table: str, path: str) -> int:
    """Append one part to the table, and commit."""
    with pq.ParquetFile(path) as part, AdbcStatement(connection) as statement:
        reader = pa.RecordBatchReader.from_batches(part.schema_arrow, part.iter_batches())
        statement.set_options(
            **{
                "adbc.ingest.target_table": table,
                "adbc.ingest.mode": "adbc.ingest.mode.append",
            }
        )
        statement.bind_stream(reader)
        statement.execute_update()
        return int(part.metadata.num_rows)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Error as error:
        sys.exit(str(error))
