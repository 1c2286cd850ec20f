"""Score a whole book and rank it, in flat memory: two passes over parts of Parquet."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.contract import Contract
from propensity.dataset import CuratedBook
from propensity.parts import PartWriter, read_batches
from propensity.progress import OnProgress, ignore_progress
from propensity.ranking import ProbabilityRanks, find_deciles
from propensity.registry import ModelVersion
from propensity.scored import FIRST_PASS, SCORES_SCHEMA, ScoredBook
from propensity.scorer import Scorer
from propensity.threshold import predict_responses


def score_book(
    book: CuratedBook,
    version: ModelVersion,
    contract: Contract,
    thresholds: tuple[float, ...],
    folder: Path,
    on_progress: OnProgress = ignore_progress,
) -> ScoredBook:
    """Score every policyholder, a batch at a time.

    Args:
        book: Whom to score.
        version: The model version that serves tonight.
        contract: Declares the features.
        thresholds: Decision threshold of each fold, chosen on the other folds.
        folder: Where the parts of scores go.
        on_progress: Called with the share of rows done.

    Raises:
        ModelError: The version does not fit the contract or lacks files.
    """
    scorer, ranks = Scorer(version, contract), ProbabilityRanks()
    with PartWriter(folder / "first_pass", FIRST_PASS) as first:
        for batch in _read_all(book.parts):
            probability = scorer.score(batch)
            ranks.add(probability)
            first.write(_decide(batch, probability, thresholds))
            on_progress(first.n_rows / book.n_rows)
    with PartWriter(folder, SCORES_SCHEMA) as scores:
        for batch in _read_all(first.paths):
            scores.write(_add_ranks(batch, ranks))
    for path in first.paths:
        path.unlink()
    first.folder.rmdir()
    return ScoredBook(scores.paths, scores.n_rows)


def _read_all(parts: tuple[Path, ...]) -> Iterator[pa.Table]:
    for part in parts:
        yield from read_batches(part)


def _decide(
    rows: pa.Table, probability: NDArray[np.float32], thresholds: tuple[float, ...]
) -> pa.Table:
    fold = rows["fold"].to_numpy()
    predicted = predict_responses(probability, fold, thresholds)
    known = rows["response"].is_valid().cast(pa.int8())
    columns = [rows["policyholder_id"], rows["fold"], known, probability, predicted]
    return pa.table(columns, schema=FIRST_PASS)


def _add_ranks(rows: pa.Table, ranks: ProbabilityRanks) -> pa.Table:
    percentile = ranks.find_percentiles(rows["probability"].to_numpy())
    columns = [*rows.columns, percentile.astype(np.float32), find_deciles(percentile)]
    return pa.table(columns, schema=SCORES_SCHEMA)
