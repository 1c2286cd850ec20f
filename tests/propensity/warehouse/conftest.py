import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Engine, text

from propensity.evaluation.records import Contender, Decision
from propensity.ingest.book import CuratedBook
from propensity.metrics.intervals import Interval
from propensity.model.store import ModelVersion
from propensity.progress import OnProgress, ignore_progress
from propensity.scoring.gains import GainTally, count_callable
from propensity.scoring.records import SCORES_SCHEMA, ScoredBook
from propensity.storage.parquet_parts import PartWriter
from propensity.storage.tallies import tally_parts
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.model_registry import record_decision
from propensity.warehouse.promotions import find_champion
from propensity.warehouse.publication import Publication, ScoredNight, publish_scores
from propensity.warehouse.runs import Night, Run, start_run
from propensity.warehouse.scores.audit import FingerprintTally
from propensity.warehouse.suppressions import find_suppressed
from tests.propensity.conftest import QUALITY as PLAUSIBLE
from tests.propensity.conftest import change_quality

N_ROWS = 1000
N_KNOWN = 600
QUALITY = change_quality(
    PLAUSIBLE,
    n_labelled=N_KNOWN,
    thresholds=(0.21, 0.22, 0.23, 0.24, 0.25),
    precision=0.33,
    recall=0.75,
    average_precision=0.36,
    average_precision_interval=Interval(0.35, 0.37),
    calibration_error=0.002,
)
BOOK = CuratedBook((), Path("rejected.csv"), N_ROWS, 3, N_KNOWN, 72)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'warehouse.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Everything holds on both databases."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def engine(url: str) -> Engine:
    return open_warehouse(url)


@pytest.fixture(scope="session")
def make_scores(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ScoredBook]:
    """Scores best first: the first ids are the best, 600 have answered, the last 20 are control."""

    def make(n_rows: int = N_ROWS, *, seed: int = 0, **changed: np.ndarray) -> ScoredBook:
        rng = np.random.default_rng(seed)
        known = (np.arange(n_rows) % 5 < 3).astype(np.int8)
        control = (np.arange(n_rows) >= n_rows - 20).astype(np.int8)
        is_lead = (known == 0) & (control == 0)
        columns = {
            "policyholder_id": np.arange(1, n_rows + 1),
            "fold": rng.integers(0, 5, n_rows),
            "response_known": known,
            "response": np.zeros(n_rows),
            "is_control": control,
            "lead_rank": pa.array(np.cumsum(is_lead), mask=~is_lead),
            "probability": np.sort(rng.random(n_rows, dtype=np.float32))[::-1],
            "percentile": 100 - 100 * np.arange(n_rows) / n_rows,
            "decile": 1 + 10 * np.arange(n_rows) // n_rows,
            "predicted_response": np.zeros(n_rows),
            "region_code": np.arange(n_rows) % 50,
            "sales_channel": np.where(np.arange(n_rows) % 3 == 0, 26, 152),
        } | changed
        said_yes, unknown = rng.random(n_rows) < 0.5, columns["response_known"] == 0
        columns["response"] = pa.array(said_yes, mask=unknown).cast(pa.int8())
        table = pa.table(columns).cast(SCORES_SCHEMA)
        n_written = max(300, n_rows // 10)  # at once; a part takes two
        folder = tmp_path_factory.mktemp("scores")
        with PartWriter(folder, SCORES_SCHEMA, n_written + 100) as parts:
            for start in range(0, n_rows, n_written):
                parts.write(table.slice(start, n_written))
        n_leads = n_rows - table["lead_rank"].null_count
        return ScoredBook(parts.paths, parts.n_rows, int(control.sum()), n_leads)

    return make


def gather(
    engine: Engine, book: CuratedBook, scores: ScoredBook, serving: Contender
) -> ScoredNight:
    """What a night finds in its scores before it publishes them."""
    suppressed = find_suppressed(engine)
    gains = GainTally(count_callable(scores, suppressed), suppressed)
    parts = FingerprintTally(scores)
    tally_parts(scores.parts, gains, parts)
    return ScoredNight(book, scores, serving, gains.gains, parts.fingerprint)


def publish_all(
    engine: Engine,
    run: Run,
    book: CuratedBook,
    scores: ScoredBook,
    serving: Contender,
    on_progress: OnProgress = ignore_progress,
) -> Publication:
    """Publish scores with what a night finds in them."""
    return publish_scores(engine, run, gather(engine, book, scores, serving), on_progress)


def night_of(day: int, digest: str = "a") -> Night:
    return Night(dt.date(2026, 10, 31) + dt.timedelta(days=day), digest * 64, "c" * 64)


def begin(engine: Engine, night: Night) -> tuple[Run, Contender]:
    run = start_run(engine, night, [Path("book.csv")], f"flow-of-{night.as_of}")
    version = ModelVersion(run.run_name, Path("models") / run.run_name, "d" * 64, ())
    contender = Contender(version, QUALITY)
    against = find_champion(engine, night.as_of)
    record_decision(engine, run, contender, Decision("promoted", "It is good.", contender), against)
    return run, contender


@pytest.fixture
def publish_night(engine: Engine, make_scores: Callable[..., ScoredBook]) -> Callable[..., Run]:
    def publish(day: int, *, digest: str = "a", **changed: np.ndarray) -> Run:
        run, contender = begin(engine, night_of(day, digest))
        publish_all(engine, run, BOOK, make_scores(seed=day, **changed), contender)
        return run

    return publish


def read(engine: Engine, query: str, **values: object) -> pd.DataFrame:
    with engine.connect() as connection:
        return pd.read_sql(text(query), connection, params=values)


def published_id(engine: Engine) -> int | None:
    found = read(engine, "SELECT run_id FROM published_run")["run_id"]
    return int(found.iloc[0]) if len(found) else None
