import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import Engine

from propensity.dataset import CuratedBook
from propensity.evaluation import Evaluation, Interval
from propensity.gate import Contender, Decision
from propensity.parts import PartWriter
from propensity.registry import ModelVersion
from propensity.scored import SCORES_SCHEMA, ScoredBook
from propensity.warehouse.engine import open_warehouse
from propensity.warehouse.models import record_decision
from propensity.warehouse.publish import publish_scores
from propensity.warehouse.runs import Night, Run, start_run

N_ROWS = 1000
QUALITY = Evaluation(
    n_labelled=600,
    prevalence=0.12,
    thresholds=(0.21, 0.22, 0.23, 0.24, 0.25),
    f1=0.45,
    f1_interval=Interval(0.44, 0.46),
    precision=0.33,
    recall=0.75,
    average_precision=0.36,
    average_precision_interval=Interval(0.35, 0.37),
    roc_auc=0.85,
    brier=0.09,
    calibration_error=0.002,
    mean_probability=0.12,
)
BOOK = CuratedBook((), Path("rejected.csv"), N_ROWS, 3, 600, 72)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_warehouse(f"sqlite:///{tmp_path / 'warehouse.db'}")


@pytest.fixture
def make_scores(tmp_path: Path) -> Callable[..., ScoredBook]:
    def make(n_rows: int = N_ROWS, *, seed: int = 0, **changed: np.ndarray) -> ScoredBook:
        rng = np.random.default_rng(seed)
        columns = {
            "policyholder_id": np.arange(1, n_rows + 1),
            "fold": rng.integers(0, 5, n_rows),
            "response_known": (np.arange(n_rows) < 600).astype(np.int8),
            "probability": rng.random(n_rows, dtype=np.float32),
            "predicted_response": np.zeros(n_rows),
            "percentile": np.full(n_rows, 50),
            "decile": np.full(n_rows, 5),
        } | changed
        table = pa.table(columns).cast(SCORES_SCHEMA)
        with PartWriter(tmp_path / f"scores-{seed}", SCORES_SCHEMA, part_rows=400) as parts:
            for start in range(0, n_rows, 300):
                parts.write(table.slice(start, 300))
        return ScoredBook(parts.paths, parts.n_rows)

    return make


def night_of(day: int, digest: str = "a") -> Night:
    return Night(dt.date(2026, 11, day), digest * 64, "c" * 64)


def begin(engine: Engine, night: Night) -> tuple[Run, Contender]:
    run = start_run(engine, night, [Path("book.csv")], f"flow-of-{night.as_of}")
    version = ModelVersion(run.run_name, Path("models") / run.run_name, "d" * 64, ())
    contender = Contender(version, QUALITY)
    record_decision(engine, run, contender, Decision("promoted", "It is good.", contender))
    return run, contender


@pytest.fixture
def publish_night(engine: Engine, make_scores: Callable[..., ScoredBook]) -> Callable[[int], Run]:
    def publish(day: int) -> Run:
        run, contender = begin(engine, night_of(day))
        publish_scores(engine, run, BOOK, make_scores(seed=day), contender)
        return run

    return publish
