"""Read the URL of a database, which may hold a password: nothing of it is ever shown."""

import re

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from propensity.errors import WarehouseError

AUTHORITY = re.compile(r"^[^:]*://(?:[^:/]*(?::[^@]*)?@)?")
"""Of a URL, up to the host: what SQLAlchemy takes for driver, user and password."""


def read_url(url: str) -> URL:
    """Read a URL, and choose the driver where it names none.

    Raises:
        WarehouseError: It is not one, its driver is not installed or asynchronous.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        parsed.get_dialect().import_dbapi()
        _check_parts(url, parsed)
    except (ArgumentError, ValueError, ImportError):
        # the text may hold a password, and so may the error: never show either
        raise WarehouseError(
            "PROPENSITY_DATABASE_URL is not a database URL, or its driver is not installed",
            expected="for example sqlite:////srv/propensity/propensity.db"
            " or postgresql://user:password@host/database, an @ in the password written as %40",
        ) from None
    if parsed.get_dialect().is_async:
        raise WarehouseError(
            f"PROPENSITY_DATABASE_URL names an asynchronous driver, {parsed.drivername}",
            expected=f"{parsed.get_backend_name()}:// without a driver, which is chosen here",
        )
    return parsed


def _check_parts(text: str, url: URL) -> None:
    """Refuse what is a password's tail in truth: an @ in it that was not written as %40.

    Or the other way round: options that were taken for a password, up to the @ in one of them.
    """
    if url.get_backend_name() == "sqlite":
        return
    behind = AUTHORITY.sub("", text)
    has_options = re.search(r"\?.*=", text.removesuffix(behind))
    if "@" in behind or has_options or set("= ") & set(url.database or ""):
        raise ValueError
