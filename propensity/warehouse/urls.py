"""Parse the URL of a database; it may hold a password, so messages never show it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from propensity.errors import WarehouseError

AUTHORITY = re.compile(r"^[^:]*://(?:[^:/]*(?::[^@]*)?@)?")
"""Start of a URL, up to the host: what SQLAlchemy parses as driver, user and password."""
EXAMPLES = (
    "sqlite:////srv/propensity/propensity.db or postgresql://user:password@host/database,"
    " an @ in the password written as %40"
)
POSTGRESQL = "postgresql+psycopg"
DRIVERS = {"postgresql": POSTGRESQL, "postgres": POSTGRESQL, POSTGRESQL: POSTGRESQL}
DRIVERS |= {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite"}


def read_url(url: str) -> URL:
    """Parse a URL, and choose the driver.

    Raises:
        WarehouseError: It is not a URL, or it names another kind of database, another driver, or
            SQLite without a file.
    """
    with hide_url():
        parsed = make_url(url)
        _check_parts(url, parsed)
    driver = DRIVERS.get(parsed.drivername)
    if driver is None:
        raise WarehouseError(
            f"PROPENSITY_DATABASE_URL begins with {parsed.drivername}://, but the warehouse can"
            " only be in PostgreSQL or SQLite, whose drivers propensity chooses",
            todo=f"Set it to a URL such as {EXAMPLES}",
        )
    if driver == "sqlite" and not _is_path(parsed):
        raise WarehouseError(
            "PROPENSITY_DATABASE_URL does not name a SQLite file by its path, without host and"
            " options",
            todo=f"Set it to a URL such as {EXAMPLES}",
        )
    return parsed.set(drivername=driver)


def _is_path(url: URL) -> bool:
    others = url.host or url.username or url.query
    return bool(url.database) and not others and not str(url.database).startswith((":", "file:"))


@contextmanager
def hide_url() -> Iterator[None]:
    """Turn SQLAlchemy's errors about a URL into ours; theirs, like the URL, may hold a password.

    Raises:
        WarehouseError: The URL cannot be used.
    """
    try:
        yield
    except (ArgumentError, TypeError, ValueError):
        raise WarehouseError(
            "PROPENSITY_DATABASE_URL is not a database URL", expected=f"for example {EXAMPLES}"
        ) from None


def _check_parts(text: str, url: URL) -> None:
    """Refuse a URL whose password contains an @ that is not written as %40.

    Part of that password would be parsed as the host. Options with an @ are refused too: they
    would be parsed as a password.
    """
    if url.drivername.startswith("sqlite"):
        return
    behind = AUTHORITY.sub("", text)
    has_options = re.search(r"\?.*=", text.removesuffix(behind))
    if "@" in behind or has_options or set("= ") & set(url.database or ""):
        raise ValueError
