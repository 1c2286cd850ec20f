"""Show the progress of a stage: a bar on the terminal that log lines do not break."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.theme import Theme

from propensity.progress import OnProgress


@contextmanager
def show_progress(description: str) -> Iterator[OnProgress]:
    """Show a bar while a stage works; without a terminal there is only the log."""
    console = _find_log_console()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    bar = Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    # Prefect's console knows no styles but its own
    with console.use_theme(Theme()), bar:
        stage = bar.add_task(description, total=1.0)
        yield lambda share: bar.update(stage, completed=share)


def _find_log_console() -> Console:
    """Return the console that Prefect logs to: two consoles would overwrite each other."""
    handlers = logging.getLogger().handlers
    consoles = (
        handler.console for handler in handlers if isinstance(handler, PrefectConsoleHandler)
    )
    return next(consoles, Console(stderr=True))
