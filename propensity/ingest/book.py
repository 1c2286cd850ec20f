"""The curated book: the location of its parts, and how its labelled rows are read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from propensity.ingest.contract import Contract


@dataclass(frozen=True)
class CuratedBook:
    """The output of ingest: parts of typed rows, and the rejected rows with their reasons.

    `digests` holds the SHA-256 of each part, computed once when it was written.
    """

    parts: tuple[Path, ...]
    rejected: Path
    n_rows: int
    n_rejected: int
    n_labelled: int
    n_positive: int
    digests: tuple[str, ...] = ()


def read_labelled(book: CuratedBook, rows: pc.Expression | None = None) -> pa.Table:
    """Read the labelled policyholders, or those of them that match an expression."""
    known = pc.field("response").is_valid()
    chosen = known if rows is None else known & rows
    return pa.concat_tables(pq.read_table(part, filters=chosen) for part in book.parts)


def follow_rule(rows: pa.Table, contract: Contract) -> NDArray[np.bool_]:
    """Return the policyholders that the contract's baseline rule would call, shape (n,)."""
    agrees = [pc.equal(rows[c], v) for c, v in contract.rule.where]
    return np.asarray(np.all(agrees, axis=0))
