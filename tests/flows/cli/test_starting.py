"""What a night that starts Prefect for itself asks of it."""

import os
import subprocess
import sys
from pathlib import Path

REPORTS = """
import os
from flows.cli.starting import prepare_prefect
from propensity.settings import Settings
prepare_prefect(Settings())
from prefect.settings import get_current_settings
settings = get_current_settings()
print(settings.server.analytics_enabled, settings.cloud.enable_orchestration_telemetry,
      os.environ["DO_NOT_TRACK"])
"""


def test_nothing_is_reported_to_anybody_outside(tmp_path: Path) -> None:
    """In an environment as it comes; that of the tests has these switches off already."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PREFECT_", "DO_NOT_TRACK"))}
    environment = kept | {"PROPENSITY_DATA_DIR": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-c", REPORTS]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "False False 1\n"
