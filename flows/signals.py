"""A night outlives its worker, which reads what it logs.

The next line after the worker was killed meets a broken pipe, and rich, which writes it for
Prefect, then ends the process.
"""

import logging
import os
import sys
from typing import Any

from prefect.logging.handlers import PrefectConsoleHandler


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
