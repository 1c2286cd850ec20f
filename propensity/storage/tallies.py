"""Several tallies of the same Parquet parts in one pass, so each part is decompressed once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from propensity.storage.parquet_parts import read_batches


class Tally(Protocol):
    """Accumulates sums over batches of rows, in stored order."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns that the tally needs."""

    def add(self, batch: pa.Table) -> None:
        """Add the next rows."""


def tally_parts(parts: Sequence[Path], *tallies: Tally) -> None:
    """Read the needed columns of each part once and pass every batch to every tally."""
    columns = sorted({name for tally in tallies for name in tally.columns})
    for part in parts:
        for batch in read_batches(part, columns):
            for tally in tallies:
                tally.add(batch)
