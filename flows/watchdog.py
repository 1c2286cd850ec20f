"""Is the night of today published by the deadline? Scheduled a little after it.

A late night ends the watchdog Failed, not merely with an event: whoever opens the UI sees a red run
with the reason, also where no webhook is set up or its receiver is away.
"""

import datetime as dt

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from propensity.errors import WarehouseError
from propensity.events import NightLate
from propensity.settings import Settings
from propensity.warehouse.access import open_reader
from propensity.warehouse.nights import find_lateness
from tasks.emitting import emit


def _name_run() -> str:
    """Name the date looked for; the schedule gives none and means today."""
    given = runtime.flow_run.parameters.get("as_of")
    return f"watchdog {given or dt.datetime.now().astimezone().date()}"


@flow(name="watchdog", flow_run_name=_name_run)
def watchdog(as_of: dt.date | None = None) -> State[None]:
    """Look whether the warehouse has the night; if it is late, say so and fail.

    Args:
        as_of: Date of the night; default: today.
    """
    now = dt.datetime.now().astimezone()
    date = as_of or now.date()
    settings = Settings()
    deadline = dt.datetime.combine(date, settings.deadline).astimezone()
    if now < deadline:
        get_run_logger().info("The night of %s has time until %s", date, deadline)
        return Completed(message=f"Not before {deadline:%H:%M}")
    late = _look(settings, date, deadline)
    if late is None:
        return Completed(message=f"The night of {date} is published")
    emit(late)
    seen = late.readers_as_of or "nothing"
    return Failed(message=f"The night of {date} is late; readers see {seen}. {late.reason}")


def _look(settings: Settings, as_of: dt.date, deadline: dt.datetime) -> NightLate | None:
    """Look for the night; without an answer from the warehouse it counts as late."""
    try:
        return find_lateness(open_reader(settings), as_of, deadline)
    except WarehouseError as error:
        return NightLate(as_of, deadline, None, str(error))
