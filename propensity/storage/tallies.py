"""Several tallies of the same Parquet parts in one pass: each part is decompressed once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from propensity.storage.parquet_parts import read_batches


class Tally(Protocol):
    """Sums something up over batches of rows, in the order in which they are stored."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns it needs."""

    def add(self, batch: pa.Table) -> None:
        """Take the next rows into account."""


def tally_parts(parts: Sequence[Path], *tallies: Tally) -> None:
    """Read parts once, only the columns that are needed, and hand every batch to every tally."""
    columns = sorted({name for tally in tallies for name in tally.columns})
    for part in parts:
        for batch in read_batches(part, columns):
            for tally in tallies:
                tally.add(batch)
