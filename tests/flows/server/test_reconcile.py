"""What becomes of each run that the server believes under way: a real server, real processes."""

import datetime as dt
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelling, Completed, Pending, Running, Scheduled

from flows.nightly import nightly
from flows.server import reconcile
from flows.server.processes import find_start
from flows.server.reconcile import AGAIN, Reconciled, reconcile_runs
from propensity.runtime.night import only_one_night
from propensity.settings import Settings

YESTERDAY = dt.datetime.now().astimezone().date() - dt.timedelta(days=1)
LATE_IN_THE_EVENING = dt.datetime.combine(YESTERDAY, dt.time(22)).astimezone()


@flow(name="retention")
def nap() -> None: ...


@pytest.fixture
def client(prefect_server: None, data_dir) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client
        for run in client.read_flow_runs():
            client.delete_flow_run(run.id)


@pytest.fixture
def begin(client) -> Callable[..., FlowRun]:
    """A run of a deployment that a worker took, and whose process is gone."""

    def begin(what=nap, *, is_running: bool = True, pid: int | None = None, **given: Any):
        due = given.pop("due", dt.datetime.now(dt.UTC))
        deployment = client.create_deployment(client.create_flow(what), name="reconciled")
        run = client.create_flow_run_from_deployment(
            deployment, state=Scheduled(scheduled_time=due), **given
        )
        client.set_flow_run_state(run.id, Pending())
        if is_running:
            client.set_flow_run_state(run.id, Running())
        if pid is not None:
            client.update_flow_run(run.id, infrastructure_pid=str(pid))
        return client.read_flow_run(run.id)

    return begin


@pytest.fixture
def start_process() -> Iterator[Callable[[UUID], None]]:
    """A process as a worker starts it for a run."""
    started: list[subprocess.Popen[bytes]] = []

    def start(flow_run_id: UUID) -> None:
        environment = os.environ | {"PREFECT__FLOW_RUN_ID": str(flow_run_id)}
        started.append(subprocess.Popen(["sleep", "600"], env=environment))

    yield start
    for process in started:
        process.kill()
        process.wait()


def find_outcomes(client: SyncPrefectClient, **how: bool) -> dict[str, str]:
    return {found.flow_run_id: found.outcome for found in reconcile_runs(client, Settings(), **how)}


def find_successors(client: SyncPrefectClient) -> list[FlowRun]:
    return [run for run in client.read_flow_runs() if AGAIN in run.tags]


def test_nothing_is_under_way(client):
    assert reconcile_runs(client, Settings(), retry=True) == []


def test_a_run_with_its_process_is_left_alone(client, begin, start_process):
    run = begin()
    start_process(run.id)
    assert reconcile_runs(client, Settings(), retry=True) == [
        Reconciled(str(run.id), run.name, "Running", "alive")
    ]
    assert client.read_flow_run(run.id).state_name == "Running"


@pytest.mark.parametrize("flow_", [nap, nightly], ids=lambda f: f.name)
def test_without_retry_a_dead_run_is_crashed_and_nothing_begins(client, begin, flow_):
    run = begin(flow_, parameters={"config": {}} if flow_ is nightly else {})
    assert find_outcomes(client) == {str(run.id): "crashed"}
    ended = client.read_flow_run(run.id).state
    assert (ended.name, ended.message) == ("Crashed", reconcile.GONE)
    assert find_successors(client) == []
    assert reconcile_runs(client, Settings()) == []


def test_a_run_that_was_being_cancelled_is_cancelled_and_not_begun_again(client, begin):
    run = begin()
    client.set_flow_run_state(run.id, Cancelling())
    assert find_outcomes(client, retry=True) == {str(run.id): "cancelled"}
    assert client.read_flow_run(run.id).state_name == "Cancelled"
    assert find_successors(client) == []


def test_a_run_is_begun_again_once(client, begin):
    """Its successor has the parameters of the first; killed as well, it has none."""
    run = begin()
    assert find_outcomes(client, retry=True) == {str(run.id): "crashed, restarted"}
    (again,) = find_successors(client)
    assert (again.deployment_id, again.state_name) == (run.deployment_id, "Scheduled")
    for state in (Pending(), Running()):
        client.set_flow_run_state(again.id, state)
    assert find_outcomes(client, retry=True) == {str(again.id): "crashed"}
    assert [found.id for found in find_successors(client)] == [again.id]


def test_a_run_that_ends_meanwhile_stays_as_it_ended(client, begin):
    seen = begin()
    client.set_flow_run_state(seen.id, Completed())
    assert reconcile._end(client, seen, retry=True) == "ended in the meantime"
    assert client.read_flow_run(seen.id).state_name == "Completed"
    assert find_successors(client) == []


def test_a_run_that_waits_is_not_under_way(client, begin):
    begin()
    find_outcomes(client, retry=True)
    assert reconcile_runs(client, Settings(), retry=True) == []


@pytest.mark.slow
def test_a_run_just_taken_has_half_a_minute_to_start(client, begin, start_process):
    """One starts meanwhile. The other does not; due 13 hours ago, it is not begun again."""
    taken = time.monotonic()
    starting = begin(is_running=False)
    lost = begin(is_running=False, due=dt.datetime.now(dt.UTC) - dt.timedelta(hours=13))
    assert lost.start_time is None
    threading.Timer(5, start_process, [starting.id]).start()
    found = find_outcomes(client, retry=True)
    assert 25 < time.monotonic() - taken < 300
    assert found == {str(starting.id): "alive", str(lost.id): "crashed"}
    assert find_successors(client) == []


def test_a_night_that_somebody_holds_the_lock_of_is_left_alone(client, begin):
    """Its process may be one that /proc does not show."""
    run = begin(nightly, parameters={"config": {}})
    with only_one_night(Settings()):
        (found,) = find_outcomes(client, retry=True).values()
    assert found.startswith("left: a night is in progress")
    assert client.read_flow_run(run.id).state_name == "Running"


def test_a_night_whose_warehouse_is_away_is_left_alone(client, begin, monkeypatch):
    monkeypatch.setenv("PROPENSITY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    run = begin(nightly, parameters={"config": {}})
    (found,) = find_outcomes(client, retry=True).values()
    assert found.endswith("the warehouse is unreachable")
    assert client.read_flow_run(run.id).state_name == "Running"


def test_a_night_begun_again_after_midnight_keeps_its_date(client, begin):
    run = begin(nightly, due=LATE_IN_THE_EVENING, parameters={"config": {"max_epochs": 3}})
    assert find_outcomes(client, retry=True) == {str(run.id): "crashed, restarted"}
    (again,) = find_successors(client)
    assert again.parameters == {"config": {"max_epochs": 3, "as_of": str(YESTERDAY)}}


def test_a_date_that_was_given_stays(client, begin):
    config = {"as_of": "2026-11-01"}
    begin(nightly, due=LATE_IN_THE_EVENING, parameters={"config": config})
    find_outcomes(client, retry=True)
    (again,) = find_successors(client)
    assert again.parameters == {"config": config}


def test_the_date_is_that_of_the_time_zone(client, begin, monkeypatch):
    """22:30 in London is the next day in Berlin."""
    due = dt.datetime.combine(YESTERDAY, dt.time(22, 30), dt.UTC)
    monkeypatch.setenv("TZ", "Etc/GMT-2")
    time.tzset()
    try:
        begin(nightly, due=due, parameters={"config": {}})
        find_outcomes(client, retry=True)
    finally:
        monkeypatch.undo()
        time.tzset()
    (again,) = find_successors(client)
    assert again.parameters["config"]["as_of"] == str(YESTERDAY + dt.timedelta(days=1))


AS_SOMEBODY_ELSE = """
import os
from prefect.client.orchestration import get_client
from flows.server.reconcile import reconcile_runs
from propensity.settings import Settings
with get_client(sync_client=True) as client:
    client.api_healthcheck()
    os.setuid(65534)
    print(*(found.outcome for found in reconcile_runs(client, Settings())))
"""


def reconcile_as_somebody_else(prefect_api) -> str:
    """Whoever may not read the environment of our processes, as we may not of another user's."""
    told = subprocess.run(
        [sys.executable, "-c", AS_SOMEBODY_ELSE],
        env=os.environ | {"PREFECT_API_URL": prefect_api.url},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_hidden_process_is_the_run_if_it_began_with_it(client, begin, prefect_api):
    run = begin()
    with subprocess.Popen(["sleep", "600"]) as process:
        client.update_flow_run(run.id, infrastructure_pid=str(process.pid))
        alive = reconcile_as_somebody_else(prefect_api)
        process.kill()
    assert (alive, reconcile_as_somebody_else(prefect_api)) == ("alive", "crashed")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_process_of_before_has_only_the_number_of_the_run(begin, prefect_api):
    """Process 1 is alive, and hidden, and as old as the machine."""
    booted = find_start(1)
    assert booted is not None
    if dt.datetime.now(dt.UTC) - booted < 2 * reconcile.CLOCK:
        pytest.skip("this machine was started a moment ago")
    begin(pid=1)
    assert reconcile_as_somebody_else(prefect_api) == "crashed"


T0 = dt.datetime(2026, 11, 24, 2, 30, tzinfo=dt.UTC)


def at(kind: StateType, seconds: int) -> State:
    return State(type=kind, timestamp=T0 + dt.timedelta(seconds=seconds))


FIRST_ATTEMPT = [at(StateType.SCHEDULED, -86_400), at(StateType.PENDING, 0)]
FIRST_ATTEMPT += [at(StateType.RUNNING, 20), at(StateType.CANCELLING, 3_000)]
RETRY = [at(StateType.SCHEDULED, 4_000), at(StateType.PENDING, 4_010), at(StateType.RUNNING, 4_030)]


@pytest.mark.parametrize(
    ("states", "seconds", "is_it"),
    [
        (FIRST_ATTEMPT, 8, True),
        (FIRST_ATTEMPT, -40, True),  # the clock was set meanwhile
        (FIRST_ATTEMPT, -600, False),
        (FIRST_ATTEMPT, 600, False),
        (FIRST_ATTEMPT[:2], 35, True),  # Pending: it is being started
        (FIRST_ATTEMPT[:2], 600, False),
        (FIRST_ATTEMPT + RETRY, 8, False),
        (FIRST_ATTEMPT + RETRY, 4_015, True),
        (RETRY + FIRST_ATTEMPT, 4_015, True),
        (FIRST_ATTEMPT, None, True),  # /proc does not tell
        ([], 8, True),
    ],
)
def test_a_process_belongs_to_the_attempt_it_began_with(states, seconds, is_it):
    started = None if seconds is None else T0 + dt.timedelta(seconds=seconds)
    assert reconcile._began_together(states, started) is is_it
