"""A Prefect server, a worker and what they start, as real processes that may be killed.

Tests and benchmarks/recovery.py start them here.
"""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 600
"""Seconds for anything that takes a few: the machine may be busy."""
HEARTBEAT = "30"
"""Prefect's shortest."""
ZOMBIE_SECONDS = "90"
"""Three heartbeats. With 40 a living night on a busy machine was taken for dead."""
LATE_SECONDS = "5"
"""deployments/start says 300."""
PREFECT_YAML = """\
name: propensity
pull:
  - prefect.deployments.steps.set_working_directory: {{directory: "{root}"}}
deployments:
  - {{name: nightly, entrypoint: "flows/nightly.py:nightly", work_pool: {{name: local}}, \
concurrency_limit: {{limit: 1, collision_strategy: CANCEL_NEW}}}}
  - {{name: watchdog, entrypoint: "flows/watchdog.py:watchdog", work_pool: {{name: local}}}}
  - {{name: nap, entrypoint: "{folder}/nap.py:nap", work_pool: {{name: local}}, \
concurrency_limit: {{limit: 1, collision_strategy: CANCEL_NEW}}}}
  - {{name: long-nap, entrypoint: "{folder}/nap.py:long_nap", work_pool: {{name: local}}, \
concurrency_limit: {{limit: 1, collision_strategy: CANCEL_NEW}}}}
"""
NAP = """\
import time
from prefect import flow

@flow(name="retention")
def nap(seconds: int = 600) -> None:
    time.sleep(seconds)

@flow(name="compare")
def long_nap() -> None:
    time.sleep(3600)
"""


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Return what the condition answers as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    message = f"after {seconds} s still not: {what}"
    raise AssertionError(message)


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def find_processes(variable: str, value: str) -> list[int]:
    wanted, found = f"{variable}={value}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in process.joinpath("environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


class Listener(http.server.ThreadingHTTPServer):
    """Takes what the webhook sends."""

    daemon_threads = True

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def find(self, alert: str, text: str, link: str = "") -> dict[str, Any] | None:
        found = (a for a in self.alerts if a["alert"] == alert and text in a["text"])
        return next((a for a in found if link in (a["link"] or "")), None)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.alerts.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class PrefectStack:
    """Server, worker and runs on a port, a home and a data folder of their own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.port, self.listener = folder, find_free_port(), Listener()
        self.home = folder / "prefect"
        self.home.mkdir()
        self.started: list[subprocess.Popen[bytes]] = []
        address = f"http://127.0.0.1:{self.port}"
        mine = {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": f"{address}/api",
            "PREFECT_UI_URL": address,
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
                "prefect.server.concurrency.lease_storage.filesystem"
            ),
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": HEARTBEAT,
            "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": LATE_SECONDS,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_CLIENT_MAX_RETRIES": "3",
            "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
            "PROPENSITY_DATA_DIR": str(folder / "data"),
            "PROPENSITY_WEBHOOK_URL": f"http://127.0.0.1:{self.listener.server_port}/",
            "PROPENSITY_ZOMBIE_SECONDS": ZOMBIE_SECONDS,
            "PROPENSITY_MAX_EPOCHS": "2",
            "PROPENSITY_BATCH_SIZE": "256",
            "PROPENSITY_N_BOOTSTRAP": "50",
        }
        self.environment = os.environ | mine | settings
        self.api = httpx.Client(base_url=f"{address}/api", timeout=PATIENCE)

    def start_server(self) -> None:
        self.server = self._start("prefect", "server", "start", log="server.log")
        wait_until(self._is_healthy, "the server is healthy")

    def _is_healthy(self) -> bool:
        try:
            return self.api.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def start_worker(self) -> None:
        words = ("prefect", "worker", "start", "--pool", "local", "--type", "process")
        self.worker = self._start(*words, log="worker.log")

    def _start(self, command: str, *words: str, log: str) -> "subprocess.Popen[bytes]":
        with (self.folder / log).open("ab") as out:
            process = subprocess.Popen(
                [BIN / command, *words],
                env=self.environment,
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self.started.append(process)
        return process

    def __call__(self, command: str, *words: str, **variables: str) -> str:
        """Run a command as an operator would; returns what it printed."""
        ran = subprocess.run(
            [BIN / command, *words],
            env=self.environment | variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def deploy(self) -> None:
        (self.folder / "nap.py").write_text(NAP, encoding="utf-8")
        text = PREFECT_YAML.format(root=ROOT, folder=self.folder)
        (self.folder / "prefect.yaml").write_text(text, encoding="utf-8")
        self("prefect", "--no-prompt", "work-pool", "create", "local", "--type", "process")
        words = ("--prefect-file", str(self.folder / "prefect.yaml"), "--all")
        self("prefect", "--no-prompt", "deploy", *words)

    def ask(self, method: str, path: str, **given: Any) -> Any:
        """Ask the API; a server on SQLite may be busy for a moment and says so."""

        def answer() -> httpx.Response | None:
            said = self.api.request(method, path, **given)
            return None if said.status_code == 503 else said.raise_for_status()

        said = wait_until(answer, f"{path} is answered")
        return said.json() if said.content else None

    def run(self, name: str, at: str | None = None, **parameters: object) -> str:
        """Start a run of a deployment, written flow/deployment, due now or then; returns its id."""
        deployment = self.ask("GET", f"/deployments/name/{name}")["id"]
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at}}
        body = {"parameters": parameters, "state": state}
        made = self.ask("POST", f"/deployments/{deployment}/create_flow_run", json=body)
        return str(made["id"])

    def read(self, run: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/flow_runs/{run}"))

    def wait_for(self, run: str, *states: str, seconds: float = PATIENCE) -> dict[str, Any]:
        def is_there() -> dict[str, Any] | None:
            found = self.read(run)
            return found if found["state_type"] in states else None

        return dict(wait_until(is_there, f"{run} is {' or '.join(states)}", seconds))

    def wait_for_task(self, run: str, name: str) -> None:
        """Wait until a task of a run has begun."""
        query = {"flow_runs": {"id": {"any_": [run]}}, "task_runs": {"name": {"any_": [name]}}}

        def has_begun() -> bool:
            found = self.ask("POST", "/task_runs/filter", json=query)
            return any(t["state_type"] in ("RUNNING", "COMPLETED") for t in found)

        wait_until(has_begun, f"task {name} of {run} has begun")

    def find_tasks(self, run: str) -> dict[str, str]:
        """Return the state of each task of a run that has begun."""
        found = self.ask("POST", "/task_runs/filter", json={"flow_runs": {"id": {"any_": [run]}}})
        return {t["name"]: t["state_type"] for t in found}

    def count_slots(self, name: str) -> int:
        """Return how many runs of a deployment, written flow/deployment, hold its slot."""
        deployment = self.ask("GET", f"/deployments/name/{name}")
        return int(deployment["global_concurrency_limit"]["active_slots"])

    def wait_for_report(self, run: str) -> None:
        """Wait until the worker has done with a run that crashed.

        It reports Crashed, loads the flow in a process of its own for the sake of its hooks, which
        takes seconds, and reports Crashed again: that would undo a retry begun meanwhile. Then it
        emits this event.
        """
        event = {"name": ["prefect.worker.executed-flow-run"]}
        query = {"filter": {"event": event, "related": {"id": [f"prefect.flow-run.{run}"]}}}

        def is_done() -> bool:
            return bool(self.ask("POST", "/events/filter", json=query)["total"])

        wait_until(is_done, f"the worker has done with {run}")

    def set_state(self, run: str, kind: str, name: str) -> None:
        """Do what a button of the UI does: CANCELLING, Cancelling or SCHEDULED, AwaitingRetry."""
        said = self.ask(
            "POST", f"/flow_runs/{run}/set_state", json={"state": {"type": kind, "name": name}}
        )
        assert said["status"] == "ACCEPT", said

    def find_tagged(self, tag: str) -> str:
        """Return the only run with a tag."""
        (run,) = self.ask(
            "POST", "/flow_runs/filter", json={"flow_runs": {"tags": {"all_": [tag]}}}
        )
        return str(run["id"])

    def find_processes(self, run: str) -> list[int]:
        return find_processes("PREFECT__FLOW_RUN_ID", run)

    def kill_run(self, run: str) -> float:
        """Kill -9 the process of a run; returns the moment."""
        for pid in self.find_processes(run):
            os.kill(pid, signal.SIGKILL)
        return time.monotonic()

    def kill(self, process: "subprocess.Popen[bytes]", *, group: bool = False) -> None:
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        process.wait()

    def kill_server(self) -> None:
        self.kill(self.server, group=True)

    def stop_all(self) -> None:
        for pid in find_processes("PREFECT_HOME", str(self.home)):
            os.kill(pid, signal.SIGKILL)
        for process in self.started:
            process.wait()
        self.listener.shutdown()
        self.listener.server_close()
        self.api.close()
