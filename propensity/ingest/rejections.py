"""A summary of the rejected rows of a night by what was wrong."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow.csv as pacsv

from propensity.ingest.book import CuratedBook
from propensity.ingest.cell_checks import REJECTED_SCHEMA

MAX_FOUND = 40
"""Longer texts are cut, because a cell can hold anything."""


@dataclass(frozen=True)
class Rejection:
    """Bad cells of one column that broke the same rule.

    Args:
        column: Name in the CSV; empty if the row could not be split into cells.
        expected: Description of the allowed values.
        n_cells: Number of bad cells.
        file: Name of the file with the first bad cell.
        line: Line of the first bad cell.
        found: Text of the first bad cell, cut to 40 characters.
    """

    column: str
    expected: str
    n_cells: int
    file: str
    line: int
    found: str


def sum_up_rejected(book: CuratedBook) -> tuple[Rejection, ...]:
    """Summarize rejected.csv, most frequent rejection first, block by block."""
    if not book.n_rejected:
        return ()
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], tuple[str, int, str]] = {}
    for batch in _open(book.rejected):
        names = ["column", "expected", "file", "line", "found"]
        cells = (batch[name].to_pylist() for name in names)
        for column, expected, file, line, found in zip(*cells, strict=True):
            counts[column, expected] += 1
            first.setdefault((column, expected), (Path(file).name, line, found[:MAX_FOUND]))
    return tuple(
        Rejection(column, expected, n, *first[column, expected])
        for (column, expected), n in counts.most_common()
    )


def _open(path: Path) -> pacsv.CSVStreamingReader:
    # A blank is a text like any other; a row may contain line breaks.
    types = pacsv.ConvertOptions(column_types=REJECTED_SCHEMA, strings_can_be_null=False)
    return pacsv.open_csv(
        path, convert_options=types, parse_options=pacsv.ParseOptions(newlines_in_values=True)
    )
