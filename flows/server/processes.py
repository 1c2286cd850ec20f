"""Find processes of this machine by an environment variable."""

import datetime as dt

import psutil


def find_values(variable: str) -> set[str]:
    """Return the values of a variable in the environments of all processes that we may read.

    A killed process that its parent has not collected yet no longer has an environment.
    """
    environments = (process.info["environ"] or {} for process in psutil.process_iter(["environ"]))
    return {found[variable] for found in environments if variable in found}


def is_alive_and_hidden(pid: int) -> bool:
    """Return whether a process is alive and hides its environment from us."""
    try:
        psutil.Process(pid).environ()
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
    return False


def find_start(pid: int) -> dt.datetime | None:
    """Return the start time of a process, accurate to about a second; None if it is gone.

    This works for processes of other users too.
    """
    try:
        return dt.datetime.fromtimestamp(psutil.Process(pid).create_time(), dt.UTC)
    except psutil.NoSuchProcess:
        return None
