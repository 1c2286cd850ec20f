"""Which processes of this machine were started with an environment variable."""

import datetime as dt

import psutil


def find_values(variable: str) -> set[str]:
    """Return the values of a variable in all environments of processes that we may read.

    A process that was killed and waits for its parent to collect it has no environment any more.
    """
    environments = (process.info["environ"] or {} for process in psutil.process_iter(["environ"]))
    return {found[variable] for found in environments if variable in found}


def is_alive_and_hidden(pid: int) -> bool:
    """Tell whether a process is alive and we may not read its environment."""
    try:
        psutil.Process(pid).environ()
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
    return False


def find_start(pid: int) -> dt.datetime | None:
    """Return when a process was started, accurate to about a second; None if it is gone.

    This can be read for the processes of other users too.
    """
    try:
        return dt.datetime.fromtimestamp(psutil.Process(pid).create_time(), dt.UTC)
    except psutil.NoSuchProcess:
        return None
