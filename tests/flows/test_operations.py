"""Alerts and recovery, with a real server, a real worker and kill -9.

The tests follow one another as the nights of one machine do. They print how long each recovery
took (pytest -s): docs/operations.md has the table.
"""

import datetime as dt
import sqlite3
import time
import uuid

import pandas as pd
import pytest

from .prefect_stack import ZOMBIE_SECONDS, Listener

pytestmark = pytest.mark.slow
FIRST, SECOND, THIRD = "2026-11-01", "2026-11-02", "2026-11-03"
LOCKED_SECONDS = 30
LONG_AGO = "2026-11-01T03:30:00Z"
SLOT_SECONDS = 200
"""Less than the five minutes after which the server takes a slot back by itself."""
AUTOMATION = {"name", "description", "enabled", "trigger", "actions"}
STATUSES = "SELECT status FROM scoring_runs WHERE as_of = ? ORDER BY run_id"


def tell(case: str, since: float) -> None:
    print(f"\n{case}: {time.monotonic() - since:.1f} s")  # noqa: T201


def run_night(stack, as_of: str, csv: str = "book.csv", **settings: int | str) -> str:
    config = {"csv": [str(stack.folder / csv)], "as_of": as_of} | settings
    return stack.run("nightly/nightly", config=config)


def read(stack, query: str, *values: object) -> list[tuple]:
    path = stack.folder / "data" / "propensity.db"
    if not path.exists():
        return []
    warehouse = sqlite3.connect(path, timeout=300)
    try:
        return warehouse.execute(query, values).fetchall()
    finally:
        warehouse.close()


def find_readers_night(stack) -> str | None:
    runs = "SELECT r.as_of FROM scoring_runs r JOIN published_run p ON p.run_id = r.run_id"
    return next((as_of for (as_of,) in read(stack, runs)), None)


def list_automations(stack) -> dict[str, dict]:
    found = stack.ask("POST", "/automations/filter", json={})
    assert len({a["name"] for a in found}) == len(found)
    return {a["name"]: a for a in found}


def read_zombie_seconds(automations: dict[str, dict]) -> float:
    return float(automations["propensity: dead run to Crashed"]["trigger"]["within"])


def count_heartbeats(stack, run: str) -> int:
    event = {"name": ["prefect.flow-run.heartbeat"]}
    query = {"filter": {"event": event, "resource": {"id": [f"prefect.flow-run.{run}"]}}}
    return int(stack.ask("POST", "/events/filter", json=query)["total"])


def read_progress(stack, run: str) -> float:
    """Of the first member, in per cent."""
    query = {"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": ["training-fold-0"]}}}
    return max((a["data"] for a in stack.ask("POST", "/artifacts/filter", json=query)), default=0)


@pytest.fixture(scope="module")
def zombie(stack, wait_until) -> tuple[str, float]:
    """A run that is killed together with its worker, and when; then another worker starts."""
    run = stack.run("compare/long-nap")
    wait_until(lambda: count_heartbeats(stack, run), "the first heartbeat")
    assert stack.count_slots("compare/long-nap") == 1
    stack.kill(stack.worker)
    killed = stack.kill_run(run)
    stack.start_worker()
    return run, killed


def test_nobody_notices_at_once_that_worker_and_run_are_gone(stack, zombie):
    assert stack.read(zombie[0])["state_type"] == "RUNNING"


def test_setting_up_again_changes_what_is_there_and_adds_nothing(stack):
    before = list_automations(stack)
    off = before["propensity: drift"]["id"]
    stack.ask("PATCH", f"/automations/{off}", json={"enabled": False})
    assert "7 automations" in stack("propensity", "ops", "setup")
    after = list_automations(stack)
    assert {n: a["id"] for n, a in after.items()} == {n: a["id"] for n, a in before.items()}
    assert [n for n, a in after.items() if not a["enabled"]] == ["propensity: drift"]
    stack.ask("PATCH", f"/automations/{off}", json={"enabled": True})


def test_a_failed_night_is_told_with_its_reason(stack, wait_until):
    run = run_night(stack, FIRST, csv="no-such.csv")
    stack.wait_for(run, "FAILED")
    alert = wait_until(
        lambda: stack.listener.find("failed", "No file matches"), "the alert of the failed night"
    )
    assert run in alert["link"]
    assert f"nightly {FIRST} is Failed" in alert["text"]


def test_a_late_night_is_told_and_the_watchdog_is_red(stack, wait_until):
    run = stack.run("watchdog/watchdog", as_of=FIRST)
    state = stack.wait_for(run, "FAILED", "COMPLETED")["state"]
    assert state["name"] == "Failed"
    assert f"{FIRST} is late; readers see nothing" in state["message"]
    alert = wait_until(lambda: stack.listener.find("late", FIRST), "the alert of the late night")
    assert "no run has begun" in alert["text"]
    assert not stack.listener.find("failed", "watchdog")


def test_a_watchdog_that_is_killed_is_told(stack, wait_until):
    """It has said nothing about the night."""
    run = stack.run("watchdog/watchdog", as_of=FIRST)
    wait_until(lambda: stack.find_processes(run), "its process")
    stack.kill_run(run)
    stack.wait_for(run, "CRASHED")
    alert = wait_until(
        lambda: stack.listener.find("failed", "The watchdog"), "the alert of the watchdog"
    )
    assert run in alert["link"]
    assert "is Crashed" in alert["text"]
    stack.wait_for_report(run)


def test_a_killed_run_is_crashed_by_its_worker_and_can_be_retried(stack, wait_until):
    run = stack.run("retention/nap")
    stack.wait_for(run, "RUNNING")
    killed = stack.kill_run(run)
    stack.wait_for(run, "CRASHED")
    tell("flow run killed, worker alive: Crashed after", killed)
    name = stack.read(run)["name"]
    wait_until(
        lambda: stack.listener.find("failed", f"{name} is Crashed"), "the alert of the crash"
    )
    stack.wait_for_report(run)
    stack("prefect", "--no-prompt", "flow-run", "retry", run)
    stack.wait_for(run, "RUNNING")
    assert stack.read(run)["run_count"] == 2
    stack.kill_run(run)
    stack.wait_for(run, "CRASHED")


def test_a_run_without_heartbeat_is_crashed_and_told(stack, zombie, wait_until):
    run, killed = zombie
    state = stack.wait_for(run, "CRASHED")["state"]
    tell("worker and flow run killed: Crashed after", killed)
    assert "No heartbeat" in state["message"]
    name = stack.read(run)["name"]
    wait_until(
        lambda: stack.listener.find("failed", f"{name} is Crashed"), "the alert of the zombie"
    )


def test_it_has_given_its_slot_back(stack, zombie, wait_until):
    stack.wait_for(zombie[0], "CRASHED")
    slots = "compare/long-nap"
    wait_until(lambda: stack.count_slots(slots) == 0, "its slot is free", seconds=SLOT_SECONDS)


def test_setting_up_again_otherwise_changes_what_is_there(stack, wait_until):
    """After the zombie: to change its automation makes the server forget whom it waits for."""
    before = list_automations(stack)
    planted = {k: v for k, v in before["propensity: F1 dropped"].items() if k in AUTOMATION}
    for _ in range(2):
        stack.ask("POST", "/automations/", json=planted)
    other = Listener()
    address = f"http://127.0.0.1:{other.server_port}/"
    changed = {"PROPENSITY_ZOMBIE_SECONDS": "150", "PROPENSITY_WEBHOOK_URL": address}
    stack("propensity", "ops", "setup", **changed)
    after = list_automations(stack)
    assert {n: a["id"] for n, a in after.items()} == {n: a["id"] for n, a in before.items()}
    assert (read_zombie_seconds(before), read_zombie_seconds(after)) == (int(ZOMBIE_SECONDS), 150)
    late = {
        "event": "propensity.night.late",
        "occurred": dt.datetime.now(dt.UTC).isoformat(),
        "resource": {"prefect.resource.id": "propensity.night.2026-10-31"},
        "payload": {"as_of": "2026-10-31", "readers_as_of": None, "reason": "planted"},
        "id": str(uuid.uuid4()),
    }
    stack.ask("POST", "/events", json=[late])
    wait_until(lambda: other.find("late", "2026-10-31"), "the alert at the other address")
    assert not stack.listener.find("late", "2026-10-31")
    other.shutdown()
    other.server_close()
    stack("propensity", "ops", "setup")
    assert read_zombie_seconds(list_automations(stack)) == int(ZOMBIE_SECONDS)


def test_a_run_that_no_worker_takes_is_told(stack, wait_until):
    """A retention that waits is no reason to wake somebody."""
    stack.kill(stack.worker)
    runs = [stack.run("nightly/nightly", at=LONG_AGO, config={})]
    runs += [stack.run(name, at=LONG_AGO) for name in ("watchdog/watchdog", "retention/nap")]
    for run in runs:
        wait_until(lambda run=run: stack.read(run)["state_name"] == "Late", f"{run} is Late")
    for run in runs[:2]:
        alert = wait_until(
            lambda run=run: stack.listener.find("not-started", "", link=run), "the alert"
        )
        assert "has not started: no worker picked it up" in alert["text"]
        assert "due 2026-11-01 03:30 UTC" in alert["text"]
    assert not stack.listener.find("not-started", "", link=runs[2])
    for run in runs:
        stack.ask("DELETE", f"/flow_runs/{run}")
    stack.start_worker()


def test_a_night_is_published_although_the_server_goes_away(stack, wait_until):
    run = run_night(stack, FIRST)
    stack.wait_for_task(run, "train-fold-4")
    stack.kill_server()
    gone = time.monotonic()
    wait_until(lambda: find_readers_night(stack) == FIRST, "the night is published")
    tell("server killed while the last member trains: published after", gone)
    stack.start_server()
    back = time.monotonic()
    stack.wait_for(run, "CRASHED", "COMPLETED")
    tell("server back: the run has ended after", back)
    if stack.read(run)["state_type"] == "CRASHED":
        stack("prefect", "--no-prompt", "flow-run", "retry", run)
        stack.wait_for(run, "COMPLETED")
        (card,) = stack.ask(
            "POST",
            "/artifacts/filter",
            json={"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": ["decision"]}}},
        )
        assert "# Promoted" in card["data"], "what the server missed, it has now"
    tell("server back: the run is Completed after", back)
    assert read(stack, "SELECT count(*) FROM scoring_runs WHERE status = 'published'") == [(1,)]


@pytest.fixture(scope="module")
def second_night(stack, wait_until) -> str:
    """Responses are shuffled and every vehicle is damaged; a power cut while it trains."""
    book = pd.read_csv(stack.folder / "book.csv")
    shuffled = book["Response"].sample(frac=1, random_state=0).to_numpy()
    moved = book.assign(Response=shuffled, Vehicle_Damage="Yes")
    moved.to_csv(stack.folder / "moved.csv", index=False)
    # the network: while it is trained there is time for all that follows
    run = run_night(stack, SECOND, csv="moved.csv", model_family="network")
    stack.wait_for_task(run, "train-fold-1")
    killed = time.monotonic()
    stack.kill_server()
    stack.kill(stack.worker)
    stack.kill_run(run)
    assert find_readers_night(stack) == FIRST
    stack.start_server()
    assert stack.read(run)["state_type"] == "RUNNING"
    assert "crashed, restarted" in stack("propensity", "ops", "reconcile", "--retry")
    tell("server, worker and flow run killed: Crashed after", killed)
    assert stack.read(run)["state_type"] == "CRASHED"
    again = stack.find_tagged("begun-again")
    stack.start_worker()
    stack.wait_for_task(again, "ingest")
    assert "Running: alive" in stack("propensity", "ops", "reconcile")
    refused = stack.wait_for(run_night(stack, THIRD), "CANCELLED")
    assert "concurrency limit" in refused["state"]["message"]
    assert find_readers_night(stack) == FIRST
    # now the worker alone: the night goes on, and the next worker leaves it to itself
    stack.kill(stack.worker)
    assert "Running: alive" in stack("propensity", "ops", "reconcile", "--retry")
    stack.start_worker()
    stack.wait_for(again, "COMPLETED", "FAILED", "CRASHED")
    tell("server, worker and flow run killed: the night begun again is Completed after", killed)
    return again


def test_after_a_power_cut_the_night_is_begun_again_and_completes(stack, second_night):
    assert stack.read(second_night)["state_type"] == "COMPLETED"
    assert find_readers_night(stack) == SECOND
    assert read(stack, STATUSES, SECOND) == [("failed",), ("published",)]


def test_a_night_outlives_its_worker(stack, second_night, wait_until):
    """The worker was killed in the middle of it, and another one was started."""
    assert stack.read(second_night)["run_count"] == 1
    # Prefect records the states of task runs a little after them
    wait_until(
        lambda: set(stack.find_tasks(second_night).values()) == {"COMPLETED"}, "all is completed"
    )
    wait_until(lambda: stack.count_slots("nightly/nightly") == 0, "its slot is free")


def test_a_drop_of_f1_is_told(stack, second_night, wait_until):
    alert = wait_until(lambda: stack.listener.find("f1-dropped", SECOND), "the alert of the drop")
    assert "F1 fell from 0.4" in alert["text"]
    assert second_night in alert["link"]


def test_drift_is_told(stack, second_night, wait_until):
    alert = wait_until(lambda: stack.listener.find("drifted", FIRST), "the alert of the drift")
    assert "Vehicle_Damage" in alert["text"]


def test_cancelling_stops_the_training_and_leaves_last_night(stack, second_night, wait_until):
    """The member it meets is not trained to its end, and none after it begins."""
    long = {"model_family": "network", "max_epochs": 100, "patience": 100}
    run = run_night(stack, THIRD, **long)
    progress = wait_until(lambda: read_progress(stack, run), "an epoch is over")
    assert progress < 90
    pids = set(stack.find_processes(run))
    cancelled = time.monotonic()
    stack.set_state(run, "CANCELLING", "Cancelling")
    # what comes after it under the same id runs the hooks of the flow
    wait_until(
        lambda: not pids & set(stack.find_processes(run)), "the process of the night is gone"
    )
    tell("cancelled while training: stopped after", cancelled)
    stack.wait_for(run, "CANCELLED")
    tell("cancelled while training: Cancelled after", cancelled)
    tasks = stack.find_tasks(run)
    assert tasks.pop("train-fold-0") != "COMPLETED"
    assert tasks == {"ingest": "COMPLETED", "report": "COMPLETED"}
    assert progress <= read_progress(stack, run) < 100
    assert find_readers_night(stack) == SECOND
    wait_until(lambda: read(stack, STATUSES, THIRD) == [("failed",)], "the warehouse knows")


def test_a_run_that_ends_while_the_servers_database_is_locked_is_completed(stack, wait_until):
    """The last one: for a minute or two after it the server tells late of missing heartbeats."""
    run = stack.run("retention/nap", seconds=2)
    stack.wait_for(run, "RUNNING")
    locked = sqlite3.connect(stack.home / "prefect.db", timeout=300, isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    time.sleep(LOCKED_SECONDS)
    locked.execute("ROLLBACK")
    locked.close()
    free = time.monotonic()
    stack.wait_for(run, "COMPLETED")
    tell(f"Prefect's database locked for {LOCKED_SECONDS} s: Completed after it was free", free)
    wait_until(lambda: not stack.find_processes(run), "the process of the run has ended")
    assert stack.read(run)["run_count"] == 1
