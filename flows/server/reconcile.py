"""Runs whose process is gone: after a power cut the server believes for ever that they run.

Such a run holds the concurrency slot of its deployment, and every later night would be cancelled.
"""

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any, Literal

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.states import Cancelled, Crashed

from flows.server.automations import FLOWS
from flows.server.processes import find_start, find_values, is_alive_and_hidden
from propensity.errors import BusyError, WarehouseError
from propensity.runtime.night import only_one_night
from propensity.settings import Settings
from propensity.warehouse.runs import fail_run

UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
START_SECONDS = 30
"""So long a worker may take from Pending to the process."""
CLOCK = dt.timedelta(seconds=60)
"""By so much the clock may have been set since, and a process come after its run was taken."""
AGAIN = "begun-again"
"""Tag of a run that stands for one that was killed. It is a run of its own: on the old one the
automation on heartbeats may still act. Killed as well, it is not begun a third time by itself: it
may be what kills the machine.
"""
FRESH = dt.timedelta(hours=12)
"""An older night is not begun again: tonight's is due."""

GONE = "Its process is gone: kill -9, or a power cut"
Outcome = Literal[
    "alive",
    "left: a night is under way or the warehouse is away",
    "ended meanwhile",
    "crashed",
    "cancelled",
    "crashed, begun again",
]


@dataclass(frozen=True)
class Reconciled:
    """A run that the server believed under way, and what became of it."""

    flow_run_id: str
    name: str
    was: str
    outcome: Outcome


def reconcile_runs(
    client: SyncPrefectClient, settings: Settings, *, retry: bool = False
) -> list[Reconciled]:
    """End the runs of our deployments whose process is gone, so that their slot is free.

    A run is alive while a process of this machine carries its id in the environment, as every
    process does that a worker starts; while its process id belongs to a process that began when the
    run did and whose environment we may not read; and, a night, while anybody holds the locks of a
    night. The pool is that of one machine: runs that workers of other machines started look dead
    from here.

    Args:
        client: Client of the server.
        settings: The machine's settings: which data folder and which warehouse.
        retry: Begin a night again that began in the last 12 hours, once.
    """
    _wait_for_starting(client)
    return [_reconcile(client, settings, run, retry=retry) for run in _find_under_way(client)]


def _wait_for_starting(client: SyncPrefectClient) -> None:
    """A run that another worker took a moment ago has no process yet."""
    starting = [r for r in _find_under_way(client) if r.state_type == StateType.PENDING]
    ages = [time.time() - r.state.timestamp.timestamp() for r in starting if r.state]
    if ages:
        time.sleep(max(0.0, START_SECONDS - min(ages)))


def _find_under_way(client: SyncPrefectClient) -> list[FlowRun]:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=UNDER_WAY))
    deployed = FlowRunFilterDeploymentId(is_null_=False)
    return client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=FLOWS)),
        flow_run_filter=FlowRunFilter(state=state, deployment_id=deployed),
    )


def _reconcile(
    client: SyncPrefectClient, settings: Settings, run: FlowRun, *, retry: bool
) -> Reconciled:
    def tell(outcome: Outcome) -> Reconciled:
        return Reconciled(str(run.id), run.name, run.state_name or "unknown", outcome)

    if _has_process(client, run):
        return tell("alive")
    if client.read_flow(run.flow_id).name != "nightly":
        return tell(_end(client, run, retry=retry))
    try:
        with only_one_night(settings) as warehouse:
            # a run that ended a moment ago held the lock until then
            fail_run(warehouse, str(run.id), GONE)
            return tell(_end(client, run, retry=retry))
    except (BusyError, WarehouseError):  # nobody can tell: the missing heartbeat will
        return tell("left: a night is under way or the warehouse is away")


def _has_process(client: SyncPrefectClient, run: FlowRun) -> bool:
    if str(run.id) in find_values("PREFECT__FLOW_RUN_ID"):
        return True
    pid = run.infrastructure_pid or ""
    if not pid.isdecimal() or not is_alive_and_hidden(int(pid)):
        return False
    return _began_together(client.read_flow_run_states(run.id), find_start(int(pid)))


def _began_together(states: list[State], started: dt.datetime | None) -> bool:
    """Tell a run's process from one that was given the same id later, or had it before.

    A retry is another process: what counts is when the run was scheduled for the last time.
    """
    ordered = sorted(states, key=lambda state: state.timestamp)
    began: list[dt.datetime] = []
    for state in ordered:
        if state.type == StateType.SCHEDULED:
            began = []
        elif state.type in (StateType.PENDING, StateType.RUNNING):
            began.append(state.timestamp)
    if not began or started is None:  # nobody can tell
        return True
    return min(began) - CLOCK <= started <= max(began) + CLOCK


def _end(client: SyncPrefectClient, run: FlowRun, *, retry: bool) -> Outcome:
    """Set the state: without force, so a run that has ended meanwhile stays as it ended."""
    is_cancelling = run.state_type == StateType.CANCELLING
    gone: State[None] = Cancelled(message=GONE) if is_cancelling else Crashed(message=GONE)
    if client.set_flow_run_state(run.id, gone).status != SetStateStatus.ACCEPT:
        return "ended meanwhile"
    if is_cancelling:
        return "cancelled"
    began = run.start_time or run.expected_start_time
    is_fresh = began is not None and dt.datetime.now(dt.UTC) - began < FRESH
    if not (retry and is_fresh and run.deployment_id and AGAIN not in run.tags):
        return "crashed"
    client.create_flow_run_from_deployment(
        run.deployment_id,
        parameters=_date(run),
        tags=[AGAIN],
        idempotency_key=f"{AGAIN}-{run.id}",
    )
    return "crashed, begun again"


def _date(run: FlowRun) -> dict[str, Any]:
    """Return the parameters with the date the run stands for: after midnight today is another."""
    due = run.expected_start_time or run.start_time
    config = run.parameters.get("config")
    if due is None or not isinstance(config, dict):
        return run.parameters
    as_of = due.astimezone().date().isoformat()  # in TZ, as everywhere
    return run.parameters | {"config": {"as_of": as_of} | config}
