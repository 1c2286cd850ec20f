"""Runs whose process is gone: after a power cut the server still considers them running.

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
"""Time a worker may take from Pending to the start of the process."""
CLOCK = dt.timedelta(seconds=60)
"""Tolerance between a run's start time and its process's start time."""
AGAIN = "begun-again"
"""Tag of a run that replaces a killed one. It is a new run, because the heartbeat automation may
still act on the old one. If it is killed too, it is not restarted: it may be what kills the
machine.
"""
FRESH = dt.timedelta(hours=12)
"""An older night is not restarted, because the next one is due."""

GONE = "Its process is gone (killed, or a power cut)"
Outcome = Literal[
    "alive",
    "left: a night is in progress or the warehouse is unreachable",
    "ended in the meantime",
    "crashed",
    "cancelled",
    "crashed, restarted",
]


@dataclass(frozen=True)
class Reconciled:
    """A run that the server considered in progress, and what was done with it."""

    flow_run_id: str
    name: str
    was: str
    outcome: Outcome


def reconcile_runs(
    client: SyncPrefectClient, settings: Settings, *, retry: bool = False
) -> list[Reconciled]:
    """End the runs of our deployments whose process is gone, so that their slot is free.

    A run is alive while a process of this machine carries its id in the environment, as every
    process started by a worker does; while its process id belongs to a process that started with
    the run and whose environment we may not read; and, if it is a night, while any process holds
    the locks of a night. The pool is meant for one machine: runs started by workers of other
    machines look dead from here.

    Args:
        client: Client of the server.
        settings: Settings of the machine, for its data folder and its warehouse.
        retry: Whether to restart, once, a night that began in the last 12 hours.
    """
    _wait_for_starting(client)
    return [_reconcile(client, settings, run, retry=retry) for run in _find_under_way(client)]


def _wait_for_starting(client: SyncPrefectClient) -> None:
    """Wait for runs that another worker has just taken: they have no process yet."""
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
    except (BusyError, WarehouseError):  # undecidable here; the missing heartbeat will end it
        return tell("left: a night is in progress or the warehouse is unreachable")


def _has_process(client: SyncPrefectClient, run: FlowRun) -> bool:
    if str(run.id) in find_values("PREFECT__FLOW_RUN_ID"):
        return True
    pid = run.infrastructure_pid or ""
    if not pid.isdecimal() or not is_alive_and_hidden(int(pid)):
        return False
    return _began_together(client.read_flow_run_states(run.id), find_start(int(pid)))


def _began_together(states: list[State], started: dt.datetime | None) -> bool:
    """Return whether a process belongs to the run, and did not get its id earlier or later.

    A retry is a new process, so the times count from when the run was last scheduled.
    """
    ordered = sorted(states, key=lambda state: state.timestamp)
    began: list[dt.datetime] = []
    for state in ordered:
        if state.type == StateType.SCHEDULED:
            began = []
        elif state.type in (StateType.PENDING, StateType.RUNNING):
            began.append(state.timestamp)
    if not began or started is None:  # undecidable
        return True
    return min(began) - CLOCK <= started <= max(began) + CLOCK


def _end(client: SyncPrefectClient, run: FlowRun, *, retry: bool) -> Outcome:
    """Set the state, without force: a run that has ended in the meantime keeps its state."""
    is_cancelling = run.state_type == StateType.CANCELLING
    gone: State[None] = Cancelled(message=GONE) if is_cancelling else Crashed(message=GONE)
    if client.set_flow_run_state(run.id, gone).status != SetStateStatus.ACCEPT:
        return "ended in the meantime"
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
    return "crashed, restarted"


def _date(run: FlowRun) -> dict[str, Any]:
    """Return the parameters with the date of the run, because after midnight today is another."""
    due = run.expected_start_time or run.start_time
    config = run.parameters.get("config")
    if due is None or not isinstance(config, dict):
        return run.parameters
    as_of = due.astimezone().date().isoformat()  # in TZ, as everywhere
    return run.parameters | {"config": {"as_of": as_of} | config}
