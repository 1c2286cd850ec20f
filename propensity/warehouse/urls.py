"""Read the URL of a database, which may hold a password: nothing of it is ever shown."""

import re

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from propensity.errors import WarehouseError

AUTHORITY = re.compile(r"^[^:]*://(?:[^:/]*(?::[^@]*)?@)?")
"""Of a URL, up to the host: what SQLAlchemy takes for driver, user and password."""
EXAMPLES = (
    "sqlite:////srv/propensity/propensity.db or postgresql://user:password@host/database,"
    " an @ in the password written as %40"
)
POSTGRESQL = "postgresql+psycopg"
DRIVERS = {"postgresql": POSTGRESQL, "postgres": POSTGRESQL, POSTGRESQL: POSTGRESQL}
DRIVERS |= {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite"}


def read_url(url: str) -> URL:
    """Read a URL, and choose the driver.

    Raises:
        WarehouseError: It is not a URL, names another kind of database or another driver, or a
            SQLite database without a file.
    """
    try:
        parsed = make_url(url)
        _check_parts(url, parsed)
    except (ArgumentError, ValueError):
        # the text may hold a password, and so may the error: never show either
        raise WarehouseError(
            "PROPENSITY_DATABASE_URL is not a database URL", expected=f"for example {EXAMPLES}"
        ) from None
    driver = DRIVERS.get(parsed.drivername)
    if driver is None:
        raise WarehouseError(
            f"PROPENSITY_DATABASE_URL begins with {parsed.drivername}://, but the warehouse can"
            " only be in PostgreSQL or SQLite, whose drivers are chosen by propensity",
            todo=f"Set it to a URL such as {EXAMPLES}",
        )
    if driver == "sqlite" and (not parsed.database or parsed.database.startswith((":", "file:"))):
        raise WarehouseError(
            "PROPENSITY_DATABASE_URL does not name a SQLite file by its path",
            todo=f"Set it to a URL such as {EXAMPLES}",
        )
    return parsed.set(drivername=driver)


def _check_parts(text: str, url: URL) -> None:
    """Refuse what is a password's tail in truth: an @ in it that was not written as %40.

    Or the other way round: options that were taken for a password, up to the @ in one of them.
    """
    if url.drivername.startswith("sqlite"):
        return
    behind = AUTHORITY.sub("", text)
    has_options = re.search(r"\?.*=", text.removesuffix(behind))
    if "@" in behind or has_options or set("= ") & set(url.database or ""):
        raise ValueError
