import datetime as dt
import os
import shutil
import signal
import subprocess
import sys

import pytest

from flows.server.processes import find_start, find_values, is_alive_and_hidden

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tried on Linux only")
VARIABLE = "PROPENSITY_TEST_OF_PROCESSES"


def start_sleeping(value: str) -> subprocess.Popen:
    return subprocess.Popen(["sleep", "600"], env=os.environ | {VARIABLE: value})


def test_a_process_is_found_by_its_environment_until_it_is_killed():
    process, other = start_sleeping("mine"), start_sleeping("other")
    try:
        assert find_values(VARIABLE) == {"mine", "other"}
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody has asked yet
        assert find_values(VARIABLE) == {"other"}
    finally:
        for started in (process, other):
            started.kill()
            started.wait()


def test_a_longer_name_of_a_variable_is_another_one():
    process = start_sleeping("mine")
    try:
        assert find_values(VARIABLE.removesuffix("S")) == set()
    finally:
        process.kill()
        process.wait()


def test_what_we_may_read_and_what_is_gone_is_not_hidden():
    process = start_sleeping("mine")
    assert not is_alive_and_hidden(process.pid)
    process.kill()
    process.wait()
    assert not is_alive_and_hidden(process.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_process_of_somebody_else_is_hidden():
    process = start_sleeping("mine")
    try:
        code = "import sys; from flows.server.processes import *; import os; os.setuid(65534);"
        code += "print(is_alive_and_hidden(int(sys.argv[1])))"
        told = subprocess.run(
            [sys.executable, "-c", code, str(process.pid)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == "True"
    finally:
        process.kill()
        process.wait()


def test_a_process_tells_when_it_was_started(tmp_path):
    """Whatever its name, which stands unquoted before it."""
    command = tmp_path / "a) b (c"
    shutil.copy("/bin/sleep", command)
    before = dt.datetime.now(dt.UTC)
    process = subprocess.Popen([command, "600"])
    try:
        started = find_start(process.pid)
        assert started is not None
        assert abs(started - before) < dt.timedelta(seconds=60)
    finally:
        process.kill()
        process.wait()
    assert find_start(process.pid) is None


def test_it_is_told_of_a_process_that_is_older_too():
    own, first = find_start(os.getpid()), find_start(1)
    assert own is not None
    assert first is not None
    assert first <= own <= dt.datetime.now(dt.UTC)
