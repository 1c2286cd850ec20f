"""Peak memory and speed of the stages that must not grow with the book, at several sizes.

    .venv/bin/python benchmarks/memory.py 1000000 4000000

Each stage runs in a process of its own, on simulated books.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from propensity.evaluation.records import Contender, Decision
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.metrics.catalog import METRICS
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Evaluation
from propensity.model.store import ModelVersion, load_version, save_version
from propensity.scoring.records import ScoredBook
from propensity.settings import LeadRules, NightlyConfig
from propensity.simulation.book import simulate_book
from propensity.storage.parquet_parts import read_batches
from propensity.storage.tallies import tally_parts
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.model_registry import record_decision
from propensity.warehouse.publication import ScoredNight, publish_scores
from propensity.warehouse.runs import Night, start_run
from propensity.warehouse.scores.audit import FingerprintTally

CONTRACT = load_contract()
NOTHING = Interval(0, 0)
names = [metric.name for metric in METRICS]
QUALITY = Evaluation(
    1, 0.1, (0.2,) * 5, 0, dict.fromkeys(names, 0.0), dict.fromkeys(names, NOTHING)
)


def train_small(folder: Path) -> None:
    """Train a quick model version: its quality does not matter here."""
    from propensity.model.cross_fitting import train_member

    simulate_book(folder / "small.csv", n_rows=20_000, seed=0)
    book = ingest_files([folder / "small.csv"], CONTRACT, folder / "small")
    config = NightlyConfig(max_epochs=1)
    members = [train_member(book, k, CONTRACT, config, folder / "model") for k in range(5)]
    save_version(ModelVersion("small", folder / "model", CONTRACT.digest, tuple(members)))


def parts_of(folder: Path) -> tuple[tuple[Path, ...], int]:
    """Return the parts in a folder and the rows they hold."""
    parts = tuple(sorted(folder.glob("part-*.parquet")))
    return parts, sum(pq.read_metadata(p).num_rows for p in parts)


def stage_ingest(folder: Path) -> None:
    """CSV to parts."""
    ingest_files([folder / "book.csv"], CONTRACT, folder / "curated")


def stage_score(folder: Path) -> None:
    """Parts to scores."""
    from propensity.scoring.batch_scoring import score_book

    book = CuratedBook(*_book(folder))
    version = load_version(folder.parent / "model")
    serving = Contender(version, QUALITY)
    score_book(book, serving, CONTRACT, LeadRules(), folder / "scores")


def stage_publish(folder: Path) -> None:
    """Scores to SQLite: load, audit, flip."""
    parts, n_rows = parts_of(folder / "scores")
    counts = [0, 0]
    for batch in (b for p in parts for b in read_batches(p, ["is_control", "lead_rank"])):
        counts[0] += int(batch["is_control"].to_numpy().sum())
        counts[1] += batch.num_rows - batch["lead_rank"].null_count
    engine = open_warehouse(f"sqlite:///{folder / 'warehouse.db'}")
    night = Night(dt.date(2026, 11, 1), "a" * 64, "b" * 64)
    run = start_run(engine, night, [])
    serving = Contender(ModelVersion(run.run_name, folder, "", ()), QUALITY)
    record_decision(engine, run, serving, Decision("promoted", "", serving), against=None)
    book = CuratedBook(*_book(folder))
    scores = ScoredBook(parts, n_rows, *counts)
    fingerprint = FingerprintTally(scores)
    tally_parts(parts, fingerprint)
    night = ScoredNight(book, scores, serving, [], fingerprint.fingerprint)
    publish_scores(engine, run, night)


def _book(folder: Path) -> tuple[tuple[Path, ...], Path, int, int, int, int]:
    parts, n_rows = parts_of(folder / "curated")
    return parts, folder, n_rows, 0, n_rows, 0


def measure(stage: str, folder: Path) -> tuple[float, float]:
    """Run one stage in a process of its own; return its seconds and peak memory in MB."""
    command = [sys.executable, __file__, "--stage", stage, str(folder)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, peak = json.loads(ran.stdout)
    return seconds, peak


def read_peak() -> float:
    """Peak resident memory of this process in MB; getrusage would count the parent's too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def main() -> None:
    """Print a row for each stage and size."""
    if sys.argv[1] == "--stage":
        started = time.monotonic()
        globals()[f"stage_{sys.argv[2]}"](Path(sys.argv[3]))
        print(json.dumps([time.monotonic() - started, read_peak()]))
        return
    print("| stage | rows | seconds | rows a second | peak memory, MB |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as temporary:
        train_small(Path(temporary))
        for n_rows in map(int, sys.argv[1:]):
            folder = Path(temporary) / str(n_rows)
            folder.mkdir()
            simulate_book(folder / "book.csv", n_rows=n_rows, seed=0)
            for stage in ("ingest", "score", "publish"):
                seconds, peak = measure(stage, folder)
                rate = n_rows / seconds
                print(f"| {stage} | {n_rows:,} | {seconds:.1f} | {rate:,.0f} | {peak:,.0f} |")


if __name__ == "__main__":
    main()
