"""Check whether today's night is published by the deadline; scheduled shortly after it.

If the night is late, the watchdog fails and also emits an event, so the UI shows a red run with the
reason even if no webhook is set up or its receiver is down.
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
    """Return the run name with the date checked; without a parameter this is today."""
    given = runtime.flow_run.parameters.get("as_of")
    return f"watchdog {given or dt.datetime.now().astimezone().date()}"


@flow(name="watchdog", flow_run_name=_name_run)
def watchdog(as_of: dt.date | None = None) -> State[None]:
    """Check whether the warehouse has the night; if it is late, emit an event and fail.

    Args:
        as_of: Date of the night; default: today.
    """
    now = dt.datetime.now().astimezone()
    date = as_of or now.date()
    settings = Settings()
    deadline = dt.datetime.combine(date, settings.deadline).astimezone()
    if now < deadline:
        get_run_logger().info("The night of %s is not due before %s", date, deadline)
        return Completed(message=f"Not due before {deadline:%H:%M}")
    late = _look(settings, date, deadline)
    if late is None:
        return Completed(message=f"The night of {date} is published")
    emit(late)
    seen = late.readers_as_of or "nothing"
    return Failed(message=f"The night of {date} is late; readers see {seen}. {late.reason}")


def _look(settings: Settings, as_of: dt.date, deadline: dt.datetime) -> NightLate | None:
    """Return the lateness; a warehouse that does not answer counts as a late night."""
    try:
        return find_lateness(open_reader(settings), as_of, deadline)
    except WarehouseError as error:
        return NightLate(as_of, deadline, None, str(error))
