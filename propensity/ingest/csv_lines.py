"""Read a CSV file block by block, as text, with the line number of every row.

A row is one line: an unclosed quote spoils that line only. By default the CSV parser would take
the rest of the block for one cell, and 200,000 rows would be lost as one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from propensity.ingest.contract import Contract
from propensity.ingest.csv_header import cannot_read, check_header, read_header, split_header

BLOCK_BYTES = 16 * 2**20
# No possessive quantifiers, because Python 3.11.2 (Debian) matches them wrongly. The pattern is
# unambiguous: it cannot backtrack.
_field = rb'(?:"[^"]*(?:""[^"]*)*"(?!")[^,]*|(?!")[^,]*)'
closed_line = re.compile(_field + b"(?:," + _field + b")*")


@dataclass(frozen=True)
class TornRow:
    """A line that cannot be split into the fields of the header, and the reason."""

    line: int
    found: str
    expected: str
    text: str


@dataclass(frozen=True)
class Block:
    """Rows of one file: text cells of the contract's columns, line numbers, and torn rows.

    `lines` has shape (n_rows,); the header is line 1. Blank lines are left out.
    """

    cells: pa.RecordBatch
    lines: NDArray[np.int64]
    torn: list[TornRow]
    n_bytes_read: int


def read_blocks(path: Path, contract: Contract) -> Iterator[Block]:
    """Yield the rows of a CSV or CSV.gz file, about 16 MB of text at a time.

    Bytes that are not UTF-8 become U+FFFD, which no column of the contract accepts.

    Raises:
        InputError: The file is empty, truncated or not CSV, or lacks a column.
    """
    next_line, header, names = 1, list[str](), list[str]()
    try:
        for raw, n_bytes in _read_lines(path):
            text = raw if raw.isascii() else raw.decode("utf-8", "replace").encode()
            if next_line == 1:
                first, text = split_header(text)
                header = read_header(path, first)
                names, next_line = check_header(path, header, contract), 2
            yield _drop_blank(_parse_lines(text, next_line, header, names, n_bytes))
            next_line += _count_lines(text)
    except OSError as error:
        raise cannot_read(path, next_line, str(error)) from error
    if next_line == 1:
        raise cannot_read(path, next_line, "the file is empty")


def _read_lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield whole lines, about BLOCK_BYTES at a time, and the bytes of the file read so far."""
    with path.open("rb") as raw:
        stream = pa.CompressedInputStream(raw, "gzip") if path.suffix.lower() == ".gz" else raw
        rest = b""
        while read := stream.read(BLOCK_BYTES):
            cut = read.rfind(b"\n") + 1
            if cut:
                yield rest + read[:cut], raw.tell()
                rest = b""
            rest += read[cut:]
            if len(rest) > 2 * BLOCK_BYTES:
                raise OSError(f"no end of line in {len(rest):,} bytes")
        if rest:
            yield rest, raw.tell()


def _parse_lines(
    text: bytes, first_line: int, header: list[str], names: list[str], n_bytes: int
) -> Block:
    """Split lines into cells; every line becomes a row of cells or a torn row."""
    # With a blank line at the end, an unclosed quote on the last line is detected like any other.
    text += b"\n" if text.endswith(b"\n") else b"\n\n"
    opened: list[TornRow] = []
    cells, torn = _parse_csv(text, first_line, header, names)
    if cells.num_rows + len(torn) != _count_lines(text):
        text, opened = _blank_open_lines(text, first_line)
        cells, torn = _parse_csv(text, first_line, header, names)
    lines = _number_lines(first_line, cells.num_rows, [row.line for row in torn])
    return Block(cells.slice(0, cells.num_rows - 1), lines[:-1], torn + opened, n_bytes)


def _blank_open_lines(text: bytes, first_line: int) -> tuple[bytes, list[TornRow]]:
    lines, opened = text.splitlines(), []
    for n, line in enumerate(lines):
        if not closed_line.fullmatch(line):
            why = "a quote that is not closed", "a quote closed on the same line"
            opened.append(TornRow(first_line + n, *why, line.decode()))
            lines[n] = b""
    return b"\n".join([*lines, b""]), opened


def _parse_csv(
    text: bytes, first_line: int, header: list[str], names: list[str]
) -> tuple[pa.RecordBatch, list[TornRow]]:
    torn: list[TornRow] = []

    def keep_torn(row: pacsv.InvalidRow) -> str:
        found, expected = f"{row.actual_columns} fields", f"{row.expected_columns} fields"
        torn.append(TornRow(first_line + row.number - 1, found, expected, row.text))
        return "skip"

    table = pacsv.read_csv(
        pa.BufferReader(text),
        # Only a single thread reports the line of torn rows.
        pacsv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=header),
        # A blank line must count as a line.
        pacsv.ParseOptions(invalid_row_handler=keep_torn, ignore_empty_lines=False),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=names,
            check_utf8=False,  # read_blocks has decoded the text
            strings_can_be_null=False,
        ),
    )
    columns = [column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, names=names), torn


def _count_lines(text: bytes) -> int:
    n_lines = text.count(b"\n")
    if b"\r" in text:
        n_lines += text.count(b"\r") - text.count(b"\r\n")
    return n_lines


def _number_lines(first: int, n_rows: int, torn: list[int]) -> NDArray[np.int64]:
    """Return the line numbers of the next n_rows whole rows, skipping torn rows."""
    lines = np.arange(first, first + n_rows + len(torn))
    return lines[~np.isin(lines, torn)]


def _drop_blank(block: Block) -> Block:
    blank = reduce(pc.and_, [pc.equal(column, "") for column in block.cells.columns])
    keep = pc.invert(blank)
    lines = block.lines[keep.to_numpy(zero_copy_only=False)]
    return Block(block.cells.filter(keep), lines, block.torn, block.n_bytes_read)
