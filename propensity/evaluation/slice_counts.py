"""Cut the labelled rows into slices and count responses and decisions in each.

A slice is a value of a category (largest first) or a fifth of a numeric feature. Slices are
counted one feature at a time, so memory holds one column and not the book.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract
from propensity.ingest.contract_column import Column
from propensity.metrics.binning import cut_bands, find_starts

N_BANDS = 5
"""Bands of a number: fifths are narrow enough to reveal a problem and large enough to judge."""
MIN_ROWS = 1000
MIN_POSITIVE = 100
"""With fewer ones F1 is not known to within 0.1, and each slice widens all the intervals."""


@dataclass(frozen=True, eq=False)
class SliceCounts:
    """A slice as counts of rows by 4 response + 2 candidate + champion, 0 to 7."""

    name: str
    kinds: NDArray[np.int64]
    expected_buyers: float


def count_slices(
    book: CuratedBook, contract: Contract, kinds: NDArray[Any], probability: NDArray[Any]
) -> list[SliceCounts]:
    """Count every slice that is large enough, feature by feature.

    Args:
        book: Book whose labelled rows were scored.
        contract: Declares the features.
        kinds: 4 response + 2 candidate + champion for each labelled row, shape (n,).
        probability: Probabilities of the candidate, shape (n,).
    """
    return [
        counts
        for column in contract.features
        for counts in _count(column, _read(book, column), kinds, probability)
    ]


def _read(book: CuratedBook, column: Column) -> pa.ChunkedArray:
    """Read one column of the labelled rows, in the order in which they were scored."""
    known, names = pc.field("response").is_valid(), [column.curated_name]
    tables = [pq.read_table(part, columns=names, filters=known) for part in book.parts]
    return pa.concat_tables(tables)[column.curated_name]


def _count(
    column: Column, values: pa.ChunkedArray, kinds: NDArray[Any], probability: NDArray[Any]
) -> Iterator[SliceCounts]:
    cut = _cut_number if column.role == "numeric" else _cut_category
    names, place = cut(column, values)
    n = np.bincount(8 * place + kinds, minlength=8 * len(names)).reshape(-1, 8)
    expected = np.bincount(place, probability, minlength=len(names))
    for name, of_slice, buyers in zip(names, n, expected.tolist(), strict=True):
        if of_slice.sum() >= MIN_ROWS and of_slice[4:].sum() >= MIN_POSITIVE:
            yield SliceCounts(name, of_slice, buyers)


def _cut_category(column: Column, values: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """Name the values, largest first, and find the position of each row among them."""
    coded = values.combine_chunks().dictionary_encode(null_encoding="encode")
    code, labels = coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()
    n = np.bincount(code, minlength=len(labels))
    order = sorted(range(len(labels)), key=lambda i: (-n[i], str(labels[i])))
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels))
    shown = ("blank" if labels[i] is None else labels[i] for i in order)
    return [f"{column.name} = {label}" for label in shown], place[code]


def _cut_number(column: Column, values: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """Cut into bands of about equal size, each named by its smallest and largest number.

    The segments of monitoring are named by their starts, because only cells are known there.
    """
    distinct, code, n = np.unique(values.to_numpy(), return_inverse=True, return_counts=True)
    bands = cut_bands(n, N_BANDS)
    inside = np.split(distinct, find_starts(bands)[1:])
    return [f"{column.name} {_name_band(x[0], x[-1])}" for x in inside], bands[code]


def _name_band(low: float, high: float) -> str:
    return f"{low:,.10g}" if low == high else f"{low:,.10g} to {high:,.10g}"
