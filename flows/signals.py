"""Signals and broken pipes: a night obeys the first and survives the second.

A night that is asked to stop must stop: one that lost the signal once went on and published.
Prefect's handler of SIGTERM raises an exception wherever Python happens to be. In a destructor
Python prints the exception and continues, and TensorFlow spends much time in destructors when the
functions of one member make room for those of the next.

A night also outlives its worker, which reads its log. After the worker is killed, the next line
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
    """Discard log output once its reader, a worker or a terminal, is gone; the night continues."""
    loggers = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    for logger in loggers:
        for handler in getattr(logger, "handlers", []):  # a placeholder has none
            if isinstance(handler, PrefectConsoleHandler):
                # rich intends this method to be overridden in a subclass, but Prefect creates it
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
    """Send the signal again, after a moment, whenever it is lost in a destructor."""
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
        for again in to_send:  # the night is stopping; a second signal would interrupt clean-up
            again.cancel()
