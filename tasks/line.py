"""The one line that each stage logs at INFO when it ends: what it did, and in how many seconds."""

import datetime as dt
import time

from prefect import get_run_logger


class StageLine:
    """Begins when a stage does; the seconds of every stage are measured here."""

    def __init__(self) -> None:
        self.log, self._started, self._taken = get_run_logger(), time.monotonic(), ""

    def take(self, written_at: dt.datetime) -> None:
        """Say that the outcome is that of an earlier attempt, and when it was made."""
        self._taken = f"taken from {written_at.astimezone():%Y-%m-%d %H:%M}, digests match: "

    def end(self, text: str, *values: object) -> None:
        """Log what was done, a logging format with its values."""
        seconds = time.monotonic() - self._started
        self.log.info(f"{self._taken}{text}, %.1f s", *values, seconds)
