"""The first line of a CSV file: match it to the contract's columns and explain mismatches."""

import csv
import difflib
import re
from pathlib import Path

from propensity.errors import InputError
from propensity.ingest.contract import Contract
from propensity.ingest.contract_column import Column


def cannot_read(path: Path, line: int, why: str) -> InputError:
    """Return the error for a file that is not readable CSV."""
    expected = "a complete CSV file with a header, in UTF-8, gzipped if its name ends in .gz"
    return InputError(f"{path}, near line {line}: {why}", expected=expected, todo="Export it again")


def split_header(text: bytes) -> tuple[bytes, bytes]:
    """Split the first line from the rest and remove its byte order mark."""
    first, *rest = re.split(rb"\r\n|\r|\n", text, maxsplit=1)
    return first.removeprefix(b"\xef\xbb\xbf"), b"".join(rest)


def read_header(path: Path, line: bytes) -> list[str]:
    """Return the column names in the first line.

    Raises:
        InputError: The line is blank or not CSV.
    """
    if b"\0" in line:
        raise cannot_read(path, 1, "the file is binary or UTF-16, not UTF-8 text")
    try:
        header = next(csv.reader([line.decode()]), [])
    except csv.Error as error:
        raise cannot_read(path, 1, f"no header: {error}") from error
    if not header:
        raise cannot_read(path, 1, "no header: the line is blank")
    return header


def check_header(path: Path, header: list[str], contract: Contract) -> list[str]:
    """Return the contract's columns that the file has.

    Raises:
        InputError: A column is missing, misspelt or repeated.
    """
    for column in contract.columns:
        n_times = header.count(column.name)
        if n_times > 1:
            raise InputError(
                f"{path}, line 1: column {column.name!r} occurs {n_times} times",
                expected="each column once",
                todo="Remove or rename all but one",
            )
        if not n_times:
            _explain_missing(path, header, contract, column)
    return [c.name for c in contract.columns if c.name in header]


def _explain_missing(path: Path, header: list[str], contract: Contract, column: Column) -> None:
    """Raise unless the column is optional and no other header is a likely misspelling of it."""
    others = {c.name for c in contract.columns}
    spare = {name.strip().lower(): name for name in header if name not in others}
    likeness = 0.85 if column.optional else 0.6
    close = difflib.get_close_matches(column.name.lower(), spare, 1, likeness)
    if column.optional and not close:
        return
    todo = f"Did you mean {spare[close[0]]!r}? Rename it" if close else "Add the column"
    if len(header) == 1:
        todo = "Separate the columns with commas"
    raise InputError(
        f"{path}, line 1: no column {column.name!r} among {', '.join(header)[:500]}",
        expected=f"{column.name}: {column.meaning} ({column.expectation})",
        todo=todo,
    )
