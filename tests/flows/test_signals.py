import subprocess
import sys

import pytest

NIGHT = """\
import sys
from pathlib import Path
from prefect.logging import get_logger
from prefect.logging.configuration import setup_logging
from flows.signals import go_on_unread

setup_logging()
if sys.argv[2] == "outlives":
    go_on_unread()
sys.stdin.read()  # until the reader of our output has gone
for n in range(3):
    get_logger("night").info("line %s", n)
if sys.argv[2] == "outlives":
    print("printed", flush=True)
Path(sys.argv[1]).touch()
"""


@pytest.mark.parametrize("what", ["outlives", "dies"])
def test_a_night_outlives_the_reader_of_its_log(what, tmp_path):
    """And without that it dies: when Prefect or rich change their ways, it is no longer needed."""
    done = tmp_path / "done"
    night = subprocess.Popen(
        [sys.executable, "-c", NIGHT, done, what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    night.stdout.close()
    night.stderr.close()
    night.stdin.close()
    assert (night.wait() == 0) == done.exists() == (what == "outlives")
