"""What a night does about signals and broken pipes: heed the first, outlive the second.

A night that is told to stop must stop: one whose signal was lost went on and published. Prefect's
handler of SIGTERM raises an exception wherever Python happens to be. In a destructor Python prints
it and goes on, and TensorFlow is in destructors for a good part of the moment in which one member's
functions make room for the next one's.

And a night outlives its worker, which reads what it logs. The next line after the worker was killed
meets a broken pipe, and rich, which writes it for Prefect, would then end the process.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.exceptions import TerminationSignal
from prefect.logging.handlers import PrefectConsoleHandler

if TYPE_CHECKING:
    from sys import UnraisableHookArgs


def go_on_unread() -> None:
    """Lose what is logged when its reader has gone, a worker or a terminal, and not the night."""
    loggers = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    for logger in loggers:
        for handler in getattr(logger, "handlers", []):  # a placeholder has none
            if isinstance(handler, PrefectConsoleHandler):
                # rich means it to be overridden in a subclass; the console is made by Prefect
                console: Any = handler.console
                console.on_broken_pipe = _forget_output


def _forget_output() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


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
