"""Load parts of Parquet into SQLite by ADBC, in a process of its own.

ADBC brings a second copy of SQLite. Two copies in one process do not see each other's locks, and
the first to close its connection drops the locks of both: the database can be damaged
(https://www.sqlite.org/howtocorrupt.html, section 2.2.1). Two processes are safe.

    python -m propensity.warehouse.ingest DATABASE TABLE

reads the path of a part from each line of its input and answers with the rows it loaded. It ends
with its input, so also when the process that feeds it is killed. Each part is a transaction: other
writers need not wait for all of them.
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_sqlite import dbapi

BUSY_MILLISECONDS = 30_000


def main(database: str, table: str) -> None:
    """Load one part after the other, as they are named."""
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        for line in sys.stdin:
            with pq.ParquetFile(line.rstrip("\n")) as part:
                batches = part.iter_batches()
                reader = pa.RecordBatchReader.from_batches(part.schema_arrow, batches)
                cursor.adbc_ingest(table, reader, mode="append")
                connection.commit()
                sys.stdout.write(f"{part.metadata.num_rows}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except dbapi.Error as error:
        sys.exit(str(error))
