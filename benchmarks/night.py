"""One real night, measured: seconds of each stage, peak memory, quality.

.venv/bin/python benchmarks/night.py ../shared/data/*.csv.gz
"""

import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

STAGES = ["ingest", "report", "train", "evaluate", "promote"]
STAGES += ["score", "describe", "publish", "present", "alert"]


def run_night(files: list[str], data_dir: Path) -> tuple[float, float]:
    """Run the command a person would; return wall seconds and peak memory in MB."""
    command = Path(sys.executable).with_name("propensity")
    environment = os.environ | {"PROPENSITY_DATA_DIR": str(data_dir)}
    started = time.monotonic()
    child = os.spawnve(os.P_NOWAIT, command, [command, "run", *files], environment)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"the night failed: wait status {status}")
    return time.monotonic() - started, usage.ru_maxrss / 1000


def read_stages(prefect_db: Path) -> dict[str, float]:
    """Read the seconds of each stage from Prefect's own record; the five members are one stage."""
    with sqlite3.connect(prefect_db) as connection:
        query = "SELECT name, (julianday(end_time) - julianday(start_time)) * 86400 FROM task_run"
        seconds = dict.fromkeys(STAGES, 0.0)
        for name, took in connection.execute(query + " WHERE name NOT LIKE 'score-part-%'"):
            seconds[name.split("-")[0]] += took
    return seconds


def main() -> None:
    """Print a table of stages and a line of quality."""
    with tempfile.TemporaryDirectory() as folder:
        wall, peak = run_night(sys.argv[1:], Path(folder))
        seconds = read_stages(Path(folder) / "prefect" / "prefect.db")
        with sqlite3.connect(Path(folder) / "propensity.db") as connection:
            query = (
                "SELECT n_policyholders, f1_score, f1_low, f1_high, roc_auc, average_precision,"
                " calibration_error FROM scoring_runs"
            )
            n, f1, low, high, auc, precision, error = connection.execute(query).fetchone()
    print("| stage | seconds |\n|---|---:|")
    for name, took in seconds.items():
        print(f"| {name} | {took:.1f} |")
    print(f"| Prefect's start and stop, imports | {wall - sum(seconds.values()):.1f} |")
    print(f"| **whole command** | **{wall:.1f}** |")
    print(f"\n{n:,} policyholders, peak memory of the process {peak:,.0f} MB")
    print(
        f"F1 {f1:.4f} ({low:.4f} to {high:.4f}), ROC AUC {auc:.4f},"
        f" average precision {precision:.4f}, calibration error {error:.4f}"
    )


if __name__ == "__main__":
    main()
