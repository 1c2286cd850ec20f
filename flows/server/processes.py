"""Which processes of this machine were started with an environment variable: Linux only."""

import datetime as dt
import os
from pathlib import Path

from propensity.errors import PropensityError

PROCESSES = Path("/proc")


def find_values(variable: str) -> set[str]:
    """Return the values of an environment variable over all processes alive that we may look at.

    A process that was killed and waits for its parent has none any more.

    Raises:
        PropensityError: This system has no /proc.
    """
    if not PROCESSES.joinpath("self", "environ").exists():
        todo = "End dead runs in the Prefect UI, or wait for the automation that does"
        raise PropensityError("This system does not show its processes in /proc", todo=todo)
    prefix = f"{variable}=".encode()
    found: set[str] = set()
    for process in PROCESSES.glob("[0-9]*"):
        try:
            lines = process.joinpath("environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile, or is somebody else's: see is_alive_and_hidden
        found |= {line.removeprefix(prefix).decode() for line in lines if line.startswith(prefix)}
    return found


def is_alive_and_hidden(pid: int) -> bool:
    """Tell whether a process is alive whose environment we may not read."""
    try:
        PROCESSES.joinpath(str(pid), "environ").read_bytes()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def find_start(pid: int) -> dt.datetime | None:
    """Return when a process was started, to a second or so; None if it is gone.

    Unlike its environment that may be read of a process of somebody else.
    """
    try:
        stat = PROCESSES.joinpath(str(pid), "stat").read_text(encoding="utf-8", errors="replace")
        kernel = PROCESSES.joinpath("stat").read_text(encoding="utf-8")
    except OSError:
        return None
    # field 22; the name of the program, field 2 in brackets, may hold spaces and brackets
    ticks = int(stat.rpartition(")")[2].split()[19])
    booted = next(int(line.split()[1]) for line in kernel.splitlines() if line.startswith("btime"))
    return dt.datetime.fromtimestamp(booted + ticks / os.sysconf("SC_CLK_TCK"), dt.UTC)
