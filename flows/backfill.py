"""Nights of past dates, one after the other, from files that carry the date in their name."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from flows.nightly import nightly
from propensity.errors import InputError, PropensityError, WarehouseError
from propensity.settings import NightlyConfig, find_last_as_of

PLACEHOLDER = "{as_of}"
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class BackfilledNight:
    """The result for one date: stored, failed with an error, or without files."""

    as_of: dt.date
    outcome: str
    is_stored: bool = False
    error: PropensityError | None = None


def backfill(pattern: str, first: dt.date, last: dt.date) -> Iterator[BackfilledNight]:
    """Run the nights from first to last; a night that fails does not stop the others.

    A night older than the one that readers see is stored, but readers keep the newer one.

    Args:
        pattern: Path or glob with {as_of} in place of the date: 'drop/{as_of}/*.csv.gz'.
        first: First date.
        last: Last date, inclusive.

    Raises:
        InputError: The pattern lacks {as_of}, the first date is after the last, or the last date
            is in the future.
    """
    if PLACEHOLDER not in pattern or last < first:
        found = f"{pattern!r} from {first} to {last}"
        expected = f"a pattern that contains {PLACEHOLDER}, and a first date"
        raise InputError(found, expected=f"{expected} not after the last")
    if last > (latest := find_last_as_of()):
        raise InputError(f"The last date {last} is in the future", expected=f"{latest} or earlier")
    as_of = first
    while as_of <= last:
        yield _run(pattern.replace(PLACEHOLDER, f"{as_of:%Y-%m-%d}"), as_of)
        as_of += ONE_DAY


def _run(files: str, as_of: dt.date) -> BackfilledNight:
    if not (Path(files).exists() or glob(files)):  # noqa: PTH207  (a pattern, with or without a root)
        return BackfilledNight(as_of, f"no file {files}")
    try:
        result = nightly(NightlyConfig(csv=[files], as_of=as_of))
    except PropensityError as error:
        return BackfilledNight(as_of, str(error), error=error)
    except DBAPIError as error:
        away = WarehouseError(f"The database raised an error: {error.orig}")
        return BackfilledNight(as_of, str(away), error=away)
    was = "already published as" if result.is_repeat else "stored as"
    return BackfilledNight(as_of, f"{was} run {result.run_id}", is_stored=True)
