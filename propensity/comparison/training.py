"""Train the arms of a comparison: all score the same policyholders with the same folds."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from propensity.folds import N_FOLDS
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import Contract
from propensity.model.store import ModelVersion
from propensity.progress import OnProgress, ignore_progress
from propensity.settings import NightlyConfig, StrategyName
from propensity.storage.atomic_write import write_whole

LOGISTIC = "logistic regression"


@dataclass(frozen=True)
class ScoredArm:
    """Cross-fitted scores of one arm, and their cost.

    Args:
        name: Name of the strategy or baseline.
        path: Parquet with columns policyholder_id, fold, response, raw_probability (uncorrected)
            and probability (after prior correction and smoothing), one row per labelled
            policyholder, in the same order for every arm.
        fit_seconds: Training time of all members together.
        n_training_rows: Rows that the epochs of all members together were drawn from.
    """

    name: str
    path: Path
    fit_seconds: float
    n_training_rows: int

    def read(self) -> pd.DataFrame:
        """Read the scores."""
        return pd.read_parquet(self.path)


def run_strategy_arm(
    book: CuratedBook,
    strategy: StrategyName,
    contract: Contract,
    config: NightlyConfig,
    folder: Path,
    on_progress: OnProgress = ignore_progress,
) -> ScoredArm:
    """Train the members of a strategy as a night does, score with them, and discard them.

    Args:
        book: Book whose labelled rows are used for training and evaluation.
        strategy: Imbalance strategy, instead of that of `config`.
        contract: Contract that declares the features.
        config: Settings of the night.
        folder: Folder for the scores.
        on_progress: Called with the share of members trained.
    """
    mine = config.model_copy(update={"strategy": strategy})
    return _run_arm(book, strategy, contract, mine, folder, on_progress)


def run_logistic_arm(
    book: CuratedBook,
    contract: Contract,
    config: NightlyConfig,
    folder: Path,
    on_progress: OnProgress = ignore_progress,
) -> ScoredArm:
    """Do the same with logistic regressions without an imbalance strategy, as a baseline."""
    mine = config.model_copy(update={"strategy": "none", "model_family": "logistic"})
    return _run_arm(book, LOGISTIC, contract, mine, folder, on_progress)


def _run_arm(
    book: CuratedBook,
    name: str,
    contract: Contract,
    config: NightlyConfig,
    folder: Path,
    on_progress: OnProgress,
) -> ScoredArm:
    from propensity.model.cross_fitting import train_member  # scikit-learn
    from propensity.model.prediction import Scorer

    with tempfile.TemporaryDirectory() as models:
        members, started = [], time.monotonic()
        for fold in range(N_FOLDS):
            members.append(train_member(book, fold, contract, config, Path(models)))
            on_progress((fold + 1) / N_FOLDS)
        seconds = time.monotonic() - started
        version = ModelVersion(name, Path(models), contract.digest, tuple(members))
        rows, scorer = read_labelled(book), Scorer(version, contract)
        scores = rows.select(["policyholder_id", "fold", "response"]).to_pandas()
        raw, corrected = scorer.score_raw(rows), scorer.score(rows)
        scores = scores.assign(raw_probability=raw, probability=corrected)
    n_training_rows = sum(m.n_training_rows for m in members)
    return ScoredArm(name, _write(scores, folder, name), seconds, n_training_rows)


def _write(scores: pd.DataFrame, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace(' ', '_')}.parquet"
    with write_whole(path) as unfinished:
        scores.to_parquet(unfinished, index=False)
    return path
