"""The line that each stage logs at INFO when it ends: what it did, and in how many seconds."""

import datetime as dt
import time

from prefect import get_run_logger


class StageLine:
    """The log line of a stage; its time runs from the creation of this object."""

    def __init__(self) -> None:
        self.log, self._started, self._taken = get_run_logger(), time.monotonic(), ""

    def take(self, written_at: dt.datetime) -> None:
        """Record that the output was reused from an earlier attempt, and when it was written."""
        self._taken = f"reused from {written_at.astimezone():%Y-%m-%d %H:%M}, digests match: "

    def end(self, text: str, *values: object) -> None:
        """Log what was done: a logging format and its values."""
        seconds = time.monotonic() - self._started
        self.log.info(f"{self._taken}{text}, %.1f s", *values, seconds)
