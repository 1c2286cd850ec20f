"""Counts of policyholders by value of each feature, made once a night and stored.

Segments and drift both use these counts, and the next night compares its own with them. To keep
them small, numbers are counted in cells of three significant digits, which are the same every
night.
"""

import dataclasses
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract
from propensity.metrics.binning import find_cells
from propensity.storage.atomic_write import write_whole
from propensity.storage.tallies import tally_parts

UNKNOWN, SAID_NO, SAID_YES = 0, 1, 2
"""State of a response: the columns of ValueCounts.n."""

Value = str | float | None


@dataclass(frozen=True, eq=False)
class ValueCounts:
    """Frequencies of the values of a column.

    Args:
        name: Name of the column.
        is_number: Whether values are increasing lower ends of cells (see find_cells) or labels.
        values: Values, shape (n,); None for blank cells.
        n: Policyholders with each value by UNKNOWN, SAID_NO, SAID_YES, shape (n, 3).
    """

    name: str
    is_number: bool
    values: tuple[Value, ...]
    n: NDArray[np.int64]

    @property
    def n_all(self) -> NDArray[np.int64]:
        """Policyholders with each value, shape (n,)."""
        return np.asarray(self.n.sum(axis=1))

    @property
    def n_labelled(self) -> NDArray[np.int64]:
        """Labelled policyholders with each value, shape (n,)."""
        return np.asarray(self.n[:, SAID_NO] + self.n[:, SAID_YES])


@dataclass(frozen=True)
class Profile:
    """The counts of one night: of every feature, and of the probabilities of its scores."""

    features: tuple[ValueCounts, ...]
    probability: ValueCounts

    def save(self, path: Path) -> None:
        """Write the counts as JSON, atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = [dataclasses.asdict(c) | {"n": c.n.T.tolist()} for c in self._all]
        with write_whole(path) as unfinished:
            unfinished.write_text(json.dumps(raw, separators=(",", ":")), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read what save wrote; None if the file is missing or unreadable."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            *features, probability = [_read_counts(**entry) for entry in raw]
        except (OSError, ValueError, TypeError):
            return None
        return cls(tuple(features), probability)

    @property
    def _all(self) -> tuple[ValueCounts, ...]:
        return (*self.features, self.probability)


def _read_counts(name: str, is_number: bool, values: list[Value], n: Any) -> ValueCounts:
    return ValueCounts(name, is_number, tuple(values), np.array(n, dtype=np.int64).T)


class ProfileTally:
    """Counts the values of several columns by the state of the response.

    Args:
        columns: Name of each column, and whether its values are numbers.
    """

    def __init__(self, columns: dict[str, bool]) -> None:
        self._tallies = {name: _ValueTally(is_number=number) for name, number in columns.items()}
        self.columns = (*columns, "response")

    def add(self, batch: pa.Table) -> None:
        """Count the values of the next rows."""
        for name, tally in self._tallies.items():
            tally.add(batch[name], batch["response"])

    @property
    def counts(self) -> tuple[ValueCounts, ...]:
        """The counts of each column."""
        return tuple(tally.finish(name) for name, tally in self._tallies.items())


def profile_features(book: CuratedBook, contract: Contract) -> tuple[ValueCounts, ...]:
    """Count the values of every feature of a book, batch by batch."""
    tally = ProfileTally({c.name: c in contract.numerics for c in contract.features})
    tally_parts(book.parts, tally)
    return tally.counts


class _ValueTally:
    """Counts the values of one column."""

    def __init__(self, *, is_number: bool) -> None:
        self.is_number = is_number
        self._n: dict[Any, NDArray[np.int64]] = defaultdict(lambda: np.zeros(3, dtype=np.int64))

    def add(self, values: pa.ChunkedArray, response: pa.ChunkedArray) -> None:
        known = response.cast(pa.int64()).fill_null(-1).to_numpy() + SAID_NO
        column = values.combine_chunks()
        if self.is_number:
            column = pa.array(find_cells(column.to_numpy(zero_copy_only=False)))
        coded = column.dictionary_encode(null_encoding="encode")
        distinct = coded.dictionary.to_pylist()
        n = np.bincount(3 * coded.indices.to_numpy() + known, minlength=3 * len(distinct))
        for value, of_value in zip(distinct, n.reshape(-1, 3), strict=True):
            self._n[value] += of_value

    def finish(self, name: str) -> ValueCounts:
        if self.is_number:
            values = sorted(self._n)
        else:  # largest first, ties by name, so that the same book gives the same bytes
            values = sorted(self._n, key=lambda v: (-self._n[v].sum(), str(v)))
        n = np.array([self._n[v] for v in values], dtype=np.int64).reshape(-1, 3)
        return ValueCounts(name, self.is_number, tuple(values), n)
