"""deployments/start refuses what would be unsafe, before anything is started."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from .conftest import START, find_free_port, started, wait_until_healthy


def start(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]} | variables
    return subprocess.run(
        [START, *words], env=environment, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "propensity.env"
    path.touch(mode=0o600)
    return path


@pytest.mark.parametrize("words", [(), ("nothing",), ("run",)], ids=" ".join)
def test_it_says_what_it_can_start(tmp_path, words):
    ended = start(*words, PROPENSITY_DATA_DIR=str(tmp_path))
    assert (ended.returncode, ended.stderr) == (
        2,
        "usage: deployments/start server|worker|deploy, or run COMMAND...\n",
    )


def test_a_command_that_is_not_there_is_named(tmp_path):
    ended = start("run", "no-such", PROPENSITY_DATA_DIR=str(tmp_path))
    assert (ended.returncode, "/.venv/bin/no-such is not a command" in ended.stderr) == (2, True)


SHOW = "import os, sys; print(*sys.argv[1:], *map(os.environ.get, sys.argv[1:]), sep='|')"


def test_a_command_sees_what_the_worker_sees(settings, tmp_path):
    """The settings of the file, their defaults, and its words as they were given."""
    settings.write_text(
        "PREFECT_API_AUTH_STRING=a=b#c d\nPREFECT_SERVER_API_PORT=4311\n", encoding="utf-8"
    )
    names = "PREFECT_API_AUTH_STRING", "PREFECT_API_URL", "TZ", "two words"
    given = {"PROPENSITY_ENV_FILE": str(settings), "PROPENSITY_DATA_DIR": str(tmp_path)}
    ended = start("run", "python", "-c", SHOW, *names, **given)
    assert ended.stdout.strip().split("|") == [
        *names, "a=b#c d", "http://127.0.0.1:4311/api", "Europe/Berlin", "None",
    ]  # fmt: skip


def test_only_the_browser_goes_by_the_proxy(tmp_path):
    names = "PREFECT_SERVER_UI_API_URL", "PREFECT_API_URL"
    given = {"PREFECT_UI_URL": "https://ui.example.com", "PROPENSITY_DATA_DIR": str(tmp_path)}
    shown = start("run", "python", "-c", SHOW, *names, **given).stdout.strip().split("|")
    assert shown[2:] == ["https://ui.example.com/api", "http://127.0.0.1:4200/api"]


def test_a_command_ends_with_its_own_exit_code(tmp_path):
    ended = start("run", "python", "-c", "raise SystemExit(6)", PROPENSITY_DATA_DIR=str(tmp_path))
    assert ended.returncode == 6


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_of_secrets_that_others_may_read_is_refused(settings, mode):
    settings.chmod(mode)
    ended = start("server", PROPENSITY_ENV_FILE=str(settings))
    assert ended.returncode == 2
    assert f"Try: chmod 600 {settings}" in ended.stderr


@pytest.mark.parametrize("line", ["NAME", "export NAME=1", "NA ME=1", "$(touch here)=1"])
def test_a_line_that_is_no_setting_is_refused_and_not_run(settings, line):
    settings.write_text(f"# one\n\nTZ=UTC\n{line}\n", encoding="utf-8")
    ended = start("server", PROPENSITY_ENV_FILE=str(settings))
    assert (ended.returncode, f"found: {line.split('=')[0]}\n" in ended.stderr) == (2, True)


def test_a_server_that_others_reach_needs_a_password():
    ended = start("server", PREFECT_SERVER_API_HOST="0.0.0.0")  # noqa: S104
    assert ended.returncode == 2
    assert "set PREFECT_SERVER_API_AUTH_STRING first" in ended.stderr


def find_addresses(port: int) -> set[str]:
    """What is listened on there, as the kernel writes it: 0100007F is 127.0.0.1, 00000000 all."""
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text(encoding="utf-8").splitlines()[1:]
    ]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, at in listening if int(at, 16) == port}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc")
def test_nobody_outside_reaches_a_server_that_is_told_nothing(tmp_path):
    """Not even one whose UI others reach, by a proxy."""
    port, proxy = find_free_port(), "https://ui.example.com"
    given = {"PROPENSITY_DATA_DIR": str(tmp_path / "data"), "PREFECT_SERVER_API_PORT": str(port)}
    environment = {"PATH": os.environ["PATH"], "PREFECT_UI_URL": proxy} | given
    with started("server", environment, tmp_path):
        url = f"http://127.0.0.1:{port}"
        wait_until_healthy(url, tmp_path)
        assert find_addresses(port) == {"0100007F"}
        assert httpx.get(f"{url}/ui-settings").json()["api_url"] == f"{proxy}/api"


def test_a_missing_file_of_settings_that_was_named_is_said(tmp_path):
    ended = start("server", PROPENSITY_ENV_FILE=str(tmp_path / "none.env"))
    assert ended.returncode == 2
    assert "none.env cannot be read" in ended.stderr
