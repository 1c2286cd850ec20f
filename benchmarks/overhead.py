"""What Prefect costs a night: the flow against the same stages called directly, one after another.

.venv/bin/python benchmarks/overhead.py ../shared/data/*.csv.gz     (about 8 minutes)
.venv/bin/python benchmarks/overhead.py                             (a simulated book of 50,000)

A server runs already, on SQLite; each night is a process of its own with a data folder of its own.
Called directly, the tasks are plain functions, and what Prefect would be told is thrown away. The
order is flow, direct, direct, flow: a machine that warms up or fills up is fair to both.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from propensity.simulation.book import simulate_book

STAGES = ["ingest", "report", "train", "evaluate", "promote"]
STAGES += ["score", "publish", "present", "alert"]
ORDER = ("flow", "direct", "direct", "flow")


def run_flow(files: list[str]) -> None:
    """Run the night as its worker does."""
    from flows.nightly import nightly
    from propensity.settings import NightlyConfig

    nightly(NightlyConfig(csv=files))


def run_directly(files: list[str]) -> None:
    """Run the body of the same flow, each task a plain function."""
    from prefect.logging import disable_run_logger

    import flows.nightly
    import tasks.artifacts
    import tasks.emitting
    import tasks.score
    from propensity.settings import NightlyConfig

    for stage in STAGES:
        plain = getattr(flows.nightly, stage).fn
        setattr(flows.nightly, stage, lambda *given, plain=plain, **_: plain(*given))
    tasks.score.score_part = tasks.score.score_part.fn
    for told in ("create_markdown", "create_table", "create_progress", "update_progress"):
        setattr(tasks.artifacts.artifacts, f"{told}_artifact", lambda *_, **__: None)
    tasks.emitting.emit_event = lambda **_: None
    with disable_run_logger():
        flows.nightly.nightly.fn(NightlyConfig(csv=files))


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Run a Prefect server; gives the URL of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mine = {"PREFECT_HOME": str(folder), "PREFECT_SERVER_API_PORT": str(port)}
    command = [Path(sys.executable).with_name("prefect"), "server", "start"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=os.environ | mine, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}/api"
        wait_for(f"{url}/health")
        yield url
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    """Wait until something answers there."""
    for _ in range(300):
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    sys.exit(f"nothing answers at {url}")


def time_night(kind: str, files: list[str], api_url: str, folder: Path) -> tuple[float, float]:
    """Return the seconds of the night itself and of its whole process, imports included."""
    mine = {"PREFECT_API_URL": api_url, "PREFECT_HOME": str(folder)}
    mine["PROPENSITY_DATA_DIR"] = str(folder / "data")
    command = [sys.executable, __file__, f"--{kind}", *files]
    started = time.monotonic()
    ran = subprocess.run(
        command, env=os.environ | mine, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        sys.exit(ran.stderr)
    return json.loads(ran.stdout.splitlines()[-1]), time.monotonic() - started


def main() -> None:
    """Print each night as it ends, then the difference."""
    nights: dict[str, list[tuple[float, float]]] = {"flow": [], "direct": []}
    with tempfile.TemporaryDirectory() as name, serve(Path(name)) as api_url:
        files = sys.argv[1:] or [str(Path(name) / "book.csv")]
        if not sys.argv[1:]:
            simulate_book(Path(files[0]), n_rows=50_000, seed=0, unlabelled_share=0.335)
        print("| night | seconds | whole process | load before |\n|---|---:|---:|---:|")
        for n, kind in enumerate(ORDER):
            load, folder = os.getloadavg()[0], Path(name) / str(n)
            folder.mkdir()
            night, whole = time_night(kind, files, api_url, folder)
            nights[kind].append((night, whole))
            print(f"| {kind} | {night:.1f} | {whole:.1f} | {load:.1f} |", flush=True)
    flow, direct = (
        [sum(seconds) / len(nights[kind]) for seconds in zip(*nights[kind], strict=True)]
        for kind in ("flow", "direct")
    )
    print(
        f"\nPrefect costs {flow[0] - direct[0]:+.1f} s of the night, a factor of"
        f" {flow[0] / direct[0]:.3f}; {flow[1] - direct[1]:+.1f} s of the whole process"
    )


if __name__ == "__main__":
    if sys.argv[1:2] in (["--flow"], ["--direct"]):
        began = time.monotonic()
        {"--flow": run_flow, "--direct": run_directly}[sys.argv[1]](sys.argv[2:])
        print(json.dumps(time.monotonic() - began))
    else:
        main()
