"""Load parts of Parquet into SQLite by ADBC, in a process of its own.

ADBC brings a second copy of SQLite. Two copies in one process do not see each other's locks, and
the first to close its connection drops the locks of both: the database can be damaged
(https://www.sqlite.org/howtocorrupt.html, section 2.2.1). Two processes are safe.

    python -m propensity.warehouse.scores.sqlite_loader DATABASE TABLE

reads the path of a part from each line of its input and answers with the rows it loaded. It ends
with its input, so also when the process that feeds it is killed. Each part is a transaction: other
writers need not wait for all of them.
"""

import sys

import adbc_driver_sqlite
import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_manager import AdbcConnection, AdbcStatement, Error

BUSY_MILLISECONDS = 30_000


def main(database: str, table: str) -> None:
    """Load one part after the other, as they are named."""
    # the plain API: adbc_driver_sqlite.dbapi would import pandas first, 0.3 s
    with adbc_driver_sqlite.connect(database) as opened, AdbcConnection(opened) as connection:
        with AdbcStatement(connection) as statement:
            statement.set_sql_query(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            statement.execute_update()
        for line in sys.stdin:
            n_rows = ingest(connection, table, line.rstrip("\n"))
            sys.stdout.write(f"{n_rows}\n")
            sys.stdout.flush()


def ingest(connection: AdbcConnection, table: str, path: str) -> int:
    """Append one part to the table; committed at once."""
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
