"""Parquet parts: a book in files of about a million rows, written and read batch by batch."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from propensity.storage.atomic_write import name_unfinished

PART_ROWS = 1_000_000
BATCH_ROWS = 131_072


class PartWriter:
    """Writes rows to part-00000.parquet, part-00001.parquet ... (zstd).

    A part has a temporary name until it is complete. Parts already in the folder are removed.

    Args:
        folder: Folder of the parts; created if missing.
        schema: Schema of every part.
        part_rows: Number of rows at which a part is closed.
    """

    def __init__(self, folder: Path, schema: pa.Schema, part_rows: int = PART_ROWS) -> None:
        self.folder, self.schema, self.part_rows = folder, schema, part_rows
        self.paths: tuple[Path, ...] = ()
        self.n_rows = 0
        self._writer: pq.ParquetWriter | None = None
        self._n_in_part = 0
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("part-*.parquet*"):
            leftover.unlink()

    def write(self, rows: pa.Table) -> None:
        """Append rows whose types match the schema."""
        if not rows.num_rows:
            return
        if self._writer is None:
            unfinished = name_unfinished(self._next)
            self._writer = pq.ParquetWriter(unfinished, self.schema, compression="zstd")
        self._writer.write_table(rows, row_group_size=BATCH_ROWS)
        self.n_rows += rows.num_rows
        self._n_in_part += rows.num_rows
        if self._n_in_part >= self.part_rows:
            self._finish_part()

    def _finish_part(self) -> None:
        if self._writer is not None:
            self._writer.close()
            name_unfinished(self._next).replace(self._next)
            self.paths += (self._next,)
            self._writer, self._n_in_part = None, 0

    @property
    def _next(self) -> Path:
        return self.folder / f"part-{len(self.paths):05d}.parquet"

    def __enter__(self) -> Self:
        """Return the writer; no file is opened before the first row."""
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish the last part; after an error, leave it under its temporary name."""
        if error is None:
            self._finish_part()
        elif self._writer is not None:
            self._writer.close()


def read_batches(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yield the rows of one part, BATCH_ROWS or fewer at a time."""
    with pq.ParquetFile(path) as part:
        for batch in part.iter_batches(BATCH_ROWS, columns=columns):
            yield pa.Table.from_batches([batch])
