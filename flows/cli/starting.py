"""What commands that train do first: simulate a book, configure Prefect, handle Ctrl-C."""

import os
import signal
import threading

from flows.cli.terminal import terminal
from propensity.runtime import json_log
from propensity.settings import Settings
from propensity.storage.workspace import Workspace

SECONDS_TO_END = 10
EXIT_INTERRUPTED = 130
DEMO_ROWS = 50_000
DEMO_UNLABELLED_SHARE = 0.335
"""The share in the real book."""


def simulate_demo(settings: Settings) -> str:
    """Write the simulated book into the data folder, print its path and return it."""
    from propensity.simulation.book import simulate_book

    path = Workspace(settings.data_dir).raw / f"simulated-{DEMO_ROWS}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    simulate_book(path, n_rows=DEMO_ROWS, seed=0, unlabelled_share=DEMO_UNLABELLED_SHARE)
    terminal.print(f"Simulated a book of {DEMO_ROWS:,} policyholders: {path}")
    return str(path)


def prepare_prefect(settings: Settings) -> None:
    """Set Prefect variables that the environment lacks: history in data_dir, no telemetry."""
    home = settings.data_dir.resolve() / "prefect"
    home.mkdir(parents=True, exist_ok=True)  # Prefect does not create it and waits forever
    defaults = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
    }
    if settings.log_format == "json":
        defaults |= json_log.PREFECT
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def stop_at_ctrl_c() -> None:
    """Make Ctrl-C stop the night soon; call this after importing Prefect, which sets its own."""
    signal.signal(signal.SIGINT, _end_soon)


def _end_soon(*_: object) -> None:
    """Stop, and exit within ten seconds, because Ctrl-C has stopped Prefect's server too."""
    patience = threading.Timer(SECONDS_TO_END, os._exit, [EXIT_INTERRUPTED])
    patience.daemon = True
    patience.start()
    raise KeyboardInterrupt
