"""Read suppressions from a CSV file; propensity/warehouse/suppressions.py records them."""

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from propensity.errors import InputError

REQUIRED = ("policyholder_id", "reason")


OPTIONAL = ("valid_from", "valid_until")


ADVICE = "Nothing was changed. Correct the file and try again"


@dataclass(frozen=True)
class Suppression:
    """One row of a file: whom not to contact, why, and the first and last day (UTC)."""

    policyholder_id: int
    reason: str
    valid_from: dt.date
    valid_until: dt.date | None


def read_suppressions(path: Path) -> list[Suppression]:
    """Read a CSV file with policyholder_id, reason and, optionally, valid_from and valid_until.

    A blank valid_from means today (UTC), a blank valid_until no end.

    Raises:
        InputError: The file cannot be read, or a column or a value is invalid.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            _check_header(path, list(rows.fieldnames or []))
            today = dt.datetime.now(dt.UTC).date()
            return [_read_row(f"{path}, line {rows.line_num}", row, today) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}", todo=ADVICE) from error


def _check_header(path: Path, found: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in found]
    unknown = [name for name in found if name not in REQUIRED + OPTIONAL]
    if missing or unknown:
        raise InputError(
            f"{path}, line 1: found columns {', '.join(found) or 'none'}",
            expected=f"{', '.join(REQUIRED)} and, optionally, {', '.join(OPTIONAL)}",
            todo=ADVICE,
        )


def _read_row(where: str, row: dict[str, str | None], today: dt.date) -> Suppression:
    if None in row:  # csv keeps surplus values under this key
        raise InputError(f"{where}: more values than columns", todo=ADVICE)
    values = {name: (row.get(name) or "").strip() for name in REQUIRED + OPTIONAL}
    column, expected = "policyholder_id", "a whole number"
    try:
        policyholder_id = int(np.int64(values[column]))
        column, expected = "valid_from", "a date such as 2026-11-23, or blank for today"
        valid_from = dt.date.fromisoformat(values[column]) if values[column] else today
        column, expected = "valid_until", "a date not before valid_from, or blank for no end"
        valid_until = dt.date.fromisoformat(values[column]) if values[column] else None
        if valid_until and valid_until < valid_from:
            raise ValueError  # noqa: TRY301
        column, expected = "reason", "a reason, for example: objected"
        if not values[column]:
            raise ValueError  # noqa: TRY301
    except (ValueError, OverflowError):
        found = f"{where}, column {column}: {values[column]!r}"
        raise InputError(found, expected=expected, todo=ADVICE) from None
    return Suppression(policyholder_id, values["reason"], valid_from, valid_until)
