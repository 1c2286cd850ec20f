"""Drop the scores of old nights, and files that no night needs any more.

It runs after the night so that it cannot meet a publish; files stay while a night is in progress.
"""

import datetime as dt

from prefect import flow, get_run_logger

from flows.signals import go_on_unread
from propensity.errors import BusyError
from propensity.runtime.night import only_one_night, open_workspace
from propensity.settings import Settings
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.leftovers import remove_leftovers
from propensity.warehouse.retention import StoredNight, drop_superfluous


def _name_run() -> str:
    return f"retention {dt.datetime.now().astimezone().date()}"


@flow(name="retention", flow_run_name=_name_run)
def retention(keep_nights: int | None = None) -> list[StoredNight]:
    """Drop the nights and files that `propensity retention --dry-run` lists; return the nights.

    Args:
        keep_nights: Number of dates to keep, newest first; default: PROPENSITY_KEEP_NIGHTS.
    """
    go_on_unread()
    settings, log = Settings(), get_run_logger()
    warehouse = open_warehouse(settings.warehouse_url)
    kept = keep_nights or settings.keep_nights
    nights = drop_superfluous(warehouse, kept)
    dropped = ", ".join(night.run_name for night in nights) or "none"
    log.info("Nights dropped (%s dates are kept): %s", kept, dropped)
    try:
        with only_one_night(settings):
            removed = remove_leftovers(warehouse, open_workspace(settings))
    except BusyError as error:
        log.warning("No files removed until the next retention run: %s", error)
    else:
        paths = ", ".join(str(leftover.path) for leftover in removed) or "none"
        n_bytes = sum(leftover.n_bytes for leftover in removed)
        log.info("Files removed, %s bytes: %s", f"{n_bytes:,}", paths)
    return nights
