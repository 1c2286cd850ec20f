import os
import signal
import sys
import time

import pytest
from prefect.exceptions import TerminationSignal
from prefect.utilities.engine import capture_sigterm

from flows.signals import heed_termination


class Slow:
    """As TensorFlow's functions: Python code runs while it is destroyed."""

    n_signals = 3

    def __del__(self) -> None:
        if Slow.n_signals:
            Slow.n_signals -= 1
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)


def destroy_things(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        Slow()
        time.sleep(0.01)


def test_a_signal_that_destructors_swallow_stops_the_night_all_the_same():
    before = sys.unraisablehook
    with capture_sigterm(), pytest.raises(TerminationSignal), heed_termination():
        destroy_things(300)
    assert Slow.n_signals == 0
    assert sys.unraisablehook is before
