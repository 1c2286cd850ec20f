"""Scores of old nights are dropped; after the night, because it must not meet a publish."""

import datetime as dt

from prefect import flow, get_run_logger

from propensity.night import reach_warehouse
from propensity.settings import Settings
from propensity.warehouse.retention import StoredNight, drop_superfluous


def _name_run() -> str:
    return f"retention {dt.datetime.now().astimezone().date()}"


@flow(name="retention", flow_run_name=_name_run)
def retention(keep_nights: int | None = None) -> list[StoredNight]:
    """Drop the nights that `propensity retention --dry-run` lists, and say which.

    Args:
        keep_nights: Dates to keep, newest first; default: PROPENSITY_KEEP_NIGHTS.
    """
    kept = keep_nights or Settings().keep_nights
    nights = drop_superfluous(reach_warehouse(), kept)
    dropped = ", ".join(night.run_name for night in nights) or "none"
    get_run_logger().info("Nights dropped, %s dates are kept: %s", kept, dropped)
    return nights
