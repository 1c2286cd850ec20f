"""The arms of a comparison: each scores the same policyholders, cross-fitted on the same folds."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from propensity.folds import N_FOLDS
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import Contract
from propensity.model.encoder import Encoder, fit_encoder
from propensity.model.store import ModelVersion
from propensity.progress import OnProgress, ignore_progress
from propensity.settings import NightlyConfig, StrategyName
from propensity.storage.atomic_write import write_whole

LOGISTIC = "logistic regression"


@dataclass(frozen=True)
class ScoredArm:
    """Cross-fitted scores of one arm, and what they cost.

    Args:
        name: Of the strategy or baseline.
        path: Parquet with columns policyholder_id, fold, response, raw_probability (as learnt) and
            probability (what was done to the odds put right, smoothed), one row a labelled
            policyholder, in the same order for every arm.
        fit_seconds: Of all members together.
        n_training_rows: That their epochs were drawn from, together.
    """

    name: str
    path: Path
    fit_seconds: float
    n_training_rows: int

    def read(self) -> pd.DataFrame:
        """Read the scores."""
        return pd.read_parquet(self.path)


def run_network_arm(
    book: CuratedBook,
    strategy: StrategyName,
    contract: Contract,
    config: NightlyConfig,
    folder: Path,
    on_progress: OnProgress = ignore_progress,
) -> ScoredArm:
    """Train the members of a strategy as a night does, score with them, throw them away.

    Args:
        book: Its labelled rows are learnt from and judged on.
        strategy: How the imbalance is treated; everything else is as `config` says.
        contract: Declares the features.
        config: Settings of the night.
        folder: Where the scores go.
        on_progress: Called with the share of members trained.
    """
    from propensity.model.cross_fitting import train_member  # TensorFlow
    from propensity.model.prediction import Scorer

    mine = config.model_copy(update={"strategy": strategy})
    with tempfile.TemporaryDirectory() as name:
        networks, members, started = Path(name), [], time.monotonic()
        for fold in range(N_FOLDS):
            members.append(train_member(book, fold, contract, mine, networks))
            on_progress((fold + 1) / N_FOLDS)
        seconds = time.monotonic() - started
        version = ModelVersion(strategy, networks, contract.digest, tuple(members))
        rows, scorer = read_labelled(book), Scorer(version, contract)
        scores = rows.select(["policyholder_id", "fold", "response"]).to_pandas()
        raw, corrected = scorer.score_raw(rows), scorer.score(rows)
        scores = scores.assign(raw_probability=raw, probability=corrected)
    n_training_rows = sum(m.n_training_rows for m in members)
    return ScoredArm(strategy, _write(scores, folder, strategy), seconds, n_training_rows)


def run_logistic_arm(
    book: CuratedBook, contract: Contract, folder: Path, on_progress: OnProgress = ignore_progress
) -> ScoredArm:
    """Fit a logistic regression a fold on categories and binned numbers, without interactions."""
    rows = read_labelled(book)
    scores: pd.DataFrame = rows.select(["policyholder_id", "fold", "response"]).to_pandas()
    fold, response = scores["fold"].to_numpy(), scores["response"].to_numpy()
    probability, seconds = np.empty(len(scores), dtype=np.float32), 0.0
    for k in range(N_FOLDS):
        started = time.monotonic()
        encoder = fit_encoder(rows.filter(pa.array(fold != k)), contract)
        bins = _find_bins(encoder, rows)
        model = _make_logistic().fit(bins[fold != k], response[fold != k])
        seconds += time.monotonic() - started
        probability[fold == k] = model.predict_proba(bins[fold == k])[:, 1]
        on_progress((k + 1) / N_FOLDS)
    scores = scores.assign(raw_probability=probability, probability=probability)
    path = _write(scores, folder, LOGISTIC)
    return ScoredArm(LOGISTIC, path, seconds, (N_FOLDS - 1) * len(scores))


def _write(scores: pd.DataFrame, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace(' ', '_')}.parquet"
    with write_whole(path) as unfinished:
        scores.to_parquet(unfinished, index=False)
    return path


def _find_bins(encoder: Encoder, rows: pa.Table) -> NDArray[np.int32]:
    """Codes of the categories and bins of the numbers, shape (n, features)."""
    codes, numbers = encoder.encode(rows)
    edges = [np.array(e[1:-1], dtype=np.float32) for e in encoder.edges.values()]
    binned = [np.digitize(numbers[:, i], e) for i, e in enumerate(edges)]
    return np.column_stack([codes, *binned]).astype(np.int32)


def _make_logistic() -> Pipeline:
    return make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=300))
