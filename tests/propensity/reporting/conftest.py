"""Two nights without a network: the simulator's true probabilities are their scores."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import create_engine

from propensity.comparison.records import ComparedArm, Comparison
from propensity.evaluation.records import Contender, Contest, Decision
from propensity.folds import assign_folds
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.metrics.evaluation import evaluate_scores
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Baseline, Evaluation
from propensity.metrics.threshold import predict_responses
from propensity.model.store import ModelVersion
from propensity.runtime.fact_collection import Circumstances, describe_night
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from propensity.scoring.records import SCORES_SCHEMA, ScoredBook
from propensity.settings import NightlyConfig, Settings
from propensity.simulation.book import simulate_book
from propensity.storage.parquet_parts import PartWriter
from propensity.storage.workspace import Workspace
from propensity.warehouse.nights import LastNight
from propensity.warehouse.runs import Night, Run

N_ROWS, N_CALLS = 12_000, 500
NOBODY = np.array([], dtype=np.int64)
ARMS = ("class_weight", "undersample", "oversample", "focal", "soft_f1", "logistic regression")


def open_night(folder: Path, as_of: dt.date) -> OpenNight:
    run = Run(as_of.day, f"{as_of}-0123abcd", Night(as_of, "a", "b"))
    config = NightlyConfig(csv=["book.csv"], as_of=as_of)
    settings = Settings(data_dir=folder, call_capacity=N_CALLS)
    return OpenNight(run, (), config, load_contract(), settings, create_engine("sqlite://"))


def ingest(night: OpenNight, folder: Path, seed: int, n_bad: int) -> tuple[CuratedBook, Path]:
    """A book some of whose rows are bad, and its true probabilities."""
    csv, truth = folder / f"book-{seed}.csv", folder / f"truth-{seed}.parquet"
    simulate_book(csv, n_rows=N_ROWS, seed=seed, unlabelled_share=0.3, truth=truth)
    lines = csv.read_text(encoding="utf-8").splitlines()
    for i in range(1, n_bad + 1):
        lines[i] = lines[i].replace("Male", "<b>Mole|").replace("Female", "<b>Femole|")
    csv.write_text("\n".join(lines), encoding="utf-8")
    return ingest_files([csv], night.contract, night.workspace.curated(night.run.run_name)), truth


def score(night: OpenNight, book: CuratedBook, truth: Path) -> tuple[ScoredBook, Evaluation]:
    known = pd.concat([pd.read_parquet(part) for part in book.parts])
    rows = known.merge(pd.read_parquet(truth), on="policyholder_id")
    rows = rows.sort_values("true_probability", ascending=False)
    ids, p = rows["policyholder_id"].to_numpy(), rows["true_probability"].to_numpy(np.float32)
    labelled = rows["response"].notna().to_numpy()
    scored = pd.DataFrame({"response": rows["response"], "probability": p, "fold": rows["fold"]})
    quality = evaluate_scores(
        scored[labelled].astype({"response": np.int8}), seed=0, n_bootstrap=20
    )
    is_lead = ~labelled & (ids % 50 > 0)
    columns = {name: np.zeros(len(rows)) for name in SCORES_SCHEMA.names} | {
        "policyholder_id": ids, "fold": assign_folds(ids), "response_known": labelled,
        "response": pa.array(rows["response"].fillna(0).to_numpy(), mask=~labelled),
        "lead_rank": pa.array(np.cumsum(is_lead), mask=~is_lead), "probability": p,
        "predicted_response": predict_responses(p, rows["fold"].to_numpy(), quality.thresholds),
    }  # fmt: skip
    with PartWriter(night.workspace.scores(night.run.run_name), SCORES_SCHEMA) as writer:
        writer.write(pa.table({n: pa.array(c) for n, c in columns.items()}).cast(SCORES_SCHEMA))
    n_control = int((ids % 50 == 0).sum())
    return ScoredBook(writer.paths, len(rows), n_control, int(is_lead.sum())), quality


def compare(workspace: Workspace) -> Comparison:
    trained = {
        "f1": 0.44, "f1_low": 0.43, "f1_high": 0.45, "f1_at_half": 0.4, "fit_seconds": 21.5,
        "n_training_rows": 9999,
        "metrics": {
            "precision": 0.3, "recall": 0.6, "average_precision": 0.36, "roc_auc": 0.85,
            "brier_before": 0.14, "brier": 0.09, "calibration_error_before": 0.2,
            "calibration_error": 0.002,
        },
    }  # fmt: skip
    ends = {"difference_low": -0.004, "difference_high": 0.002}
    arms = [ComparedArm(name="none", **trained)]
    arms += [
        ComparedArm(name=name, difference=-0.001 * i, **trained, **ends)
        for i, name in enumerate(ARMS)
    ]
    arms += [
        ComparedArm(
            name=name, f1=f1, f1_low=f1, f1_high=f1, metrics={"precision": 0.2, "recall": 0.9},
            difference=-0.05, **ends,
        )
        for name, f1 in (("everyone positive", 0.22), ("not insured & damaged", 0.4))
    ]  # fmt: skip
    found = Comparison(dt.date(2026, 10, 31), 8000, 0.12, tuple(arms), "No arm is clearly better.")
    found.save(workspace.comparisons / "2026-10-31")
    return found


@pytest.fixture(scope="session")
def make_report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., NightFacts]:
    """Describe a night: the first of its folder, or the one after it."""

    def make(
        *,
        is_second: bool = True,
        n_bad: int = 5,
        last_version: str = "v1",
        damage: Callable[[Workspace, str, str], None] | None = None,
    ) -> NightFacts:
        folder = tmp_path_factory.mktemp("nights")
        first = open_night(folder, dt.date(2026, 11, 1))
        report = describe(first, folder, 1, None, n_bad)
        if not is_second:
            return report
        compare(first.workspace)
        last = LastNight(1, first.run.run_name, first.config.as_of, last_version)
        second = open_night(folder, dt.date(2026, 11, 2))
        if damage is not None:
            damage(first.workspace, first.run.run_name, second.run.run_name)
        return describe(second, folder, 2, last, n_bad)

    return make


def describe(
    night: OpenNight, folder: Path, seed: int, last: LastNight | None, n_bad: int
) -> NightFacts:
    book, truth = ingest(night, folder, seed, n_bad)
    scores, quality = score(night, book, truth)
    candidate = Contender(ModelVersion("v2", Path("v2"), "d", ()), quality)
    champion = Contender(ModelVersion("v1", Path("v1"), "d", ()), quality) if last else None
    baselines = (Baseline("everyone positive", 0.22), Baseline("the rule <i>&amp;</i>", 0.4))
    difference = Interval(-0.001, 0.001) if last else None
    contest = Contest(candidate, baselines, champion, difference=difference)
    kept = Decision("kept_champion", "It is not clearly above the margin.", champion)
    decision = kept if champion else Decision("promoted", "There is no champion yet.", candidate)
    given = Circumstances(NOBODY, N_CALLS, last)
    return describe_night(night, book, contest, decision, scores, given)


@pytest.fixture(scope="session")
def report(make_report: Callable[..., NightFacts]) -> NightFacts:
    """A night with everything: a last night, a comparison, rejected rows, a champion kept."""
    return make_report()


@pytest.fixture(scope="session")
def first_report(make_report: Callable[..., NightFacts]) -> NightFacts:
    """The first night of all: nothing to compare with, nothing rejected."""
    return make_report(is_second=False, n_bad=0)
