"""A night that is told to stop must stop: one whose signal was lost went on and published.

Prefect's handler of SIGTERM raises an exception wherever Python happens to be. In a destructor
Python prints it and goes on, and TensorFlow is in destructors for a good part of the moment in
which one member's functions make room for the next one's.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefect.exceptions import TerminationSignal

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_SECONDS = 0.1


@contextmanager
def heed_termination() -> Iterator[None]:
    """Send the signal again, a moment later and as often as it is lost in a destructor."""
    before, to_send = sys.unraisablehook, list[threading.Timer]()

    def send_again(lost: "UnraisableHookArgs") -> None:
        if not issubclass(lost.exc_type, TerminationSignal):
            before(lost)
            return
        again = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGTERM))
        to_send.append(again)
        again.start()

    sys.unraisablehook = send_again
    try:
        yield
    finally:
        sys.unraisablehook = before
        for again in to_send:  # the night stops already: a second signal would end it untidily
            again.cancel()
