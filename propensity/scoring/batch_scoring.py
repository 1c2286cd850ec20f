"""Score a whole book, sort it and rank it in constant memory, in passes over Parquet parts."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.evaluation.records import Contender
from propensity.folds import CONTROL_SALT, select_share
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract
from propensity.metrics.threshold import predict_responses
from propensity.model.prediction import Scorer
from propensity.progress import OnProgress, ignore_progress
from propensity.scoring.external_sort import sort_by_probability
from propensity.scoring.percentiles import ProbabilityRanks, find_deciles
from propensity.scoring.records import SCORES_SCHEMA, UNRANKED_SCHEMA, ScoredBook
from propensity.settings import LeadRules
from propensity.storage.parquet_parts import PartWriter, read_batches

OnPart = Callable[[int, Callable[[], int]], Any]
"""Called with the number of a part and a function that scores it and returns its row count."""


def score_book(
    book: CuratedBook,
    serving: Contender,
    contract: Contract,
    rules: LeadRules,
    folder: Path,
    on_progress: OnProgress = ignore_progress,
    on_part: OnPart = lambda _, score_part: score_part(),
) -> ScoredBook:
    """Score every policyholder, batch by batch.

    Args:
        book: Policyholders to score.
        serving: Version that scores tonight, its recalibration, and the threshold of each fold,
            chosen on the other folds.
        contract: Declares the features.
        rules: Rules that decide who is a lead.
        folder: Folder for the parts of scores, best first.
        on_progress: Called with the share of rows scored.
        on_part: Called once per part, in order, with the function that scores it; it must call it.

    Raises:
        ModelError: The version does not fit the contract, or its files are missing.
    """
    scorer, ranks = Scorer(serving.version, contract), ProbabilityRanks()
    with PartWriter(folder / "first_pass", UNRANKED_SCHEMA) as first:

        def score_part(part: Path) -> int:
            n_before = first.n_rows
            for batch in read_batches(part):
                raw = scorer.score(batch)
                probability = serving.recalibration.apply(raw, batch["fold"].to_numpy())
                ranks.add(probability)
                thresholds = serving.evaluation.thresholds
                first.write(_decide(batch, probability, contract, thresholds, rules))
                on_progress(first.n_rows / book.n_rows)
            return first.n_rows - n_before

        for number, part in enumerate(book.parts):
            on_part(number, partial(score_part, part))
    n_control = n_leads = 0
    with PartWriter(folder, SCORES_SCHEMA) as scores:
        for batch in sort_by_probability(_read_all(first.paths), ranks, folder):
            ranked = _rank(batch, ranks, rules, n_leads)
            scores.write(ranked)
            n_control += int(ranked["is_control"].to_numpy().sum())
            n_leads += ranked.num_rows - ranked["lead_rank"].null_count
    for path in first.paths:
        path.unlink()
    first.folder.rmdir()
    return ScoredBook(scores.paths, scores.n_rows, n_control, n_leads)


def _read_all(parts: tuple[Path, ...]) -> Iterator[pa.Table]:
    for part in parts:
        yield from read_batches(part)


def _decide(
    rows: pa.Table,
    probability: NDArray[np.float32],
    contract: Contract,
    thresholds: tuple[float, ...],
    rules: LeadRules,
) -> pa.Table:
    ids, fold = rows["policyholder_id"].to_numpy(), rows["fold"].to_numpy()
    columns = {
        "policyholder_id": ids,
        "fold": fold,
        "response_known": rows["response"].is_valid().cast(pa.int8()),
        "response": rows["response"].cast(pa.int8()),
        "is_control": select_share(ids, rules.control_share, CONTROL_SALT).astype(np.int8),
        "probability": probability,
        "predicted_response": predict_responses(probability, fold, thresholds),
    }
    for name in ("region_code", "sales_channel"):
        source = contract.published_as(name)
        columns[name] = (
            rows[source.name].cast(pa.int32()) if source else pa.nulls(rows.num_rows, pa.int32())
        )
    return pa.table(columns, schema=UNRANKED_SCHEMA)


def _rank(
    rows: pa.Table, ranks: ProbabilityRanks, rules: LeadRules, n_leads_before: int
) -> pa.Table:
    """Add the ranks to rows sorted best first."""
    percentile = ranks.find_percentiles(rows["probability"].to_numpy())
    is_lead = rows["is_control"].to_numpy() == 0
    if not rules.includes_known:
        is_lead &= rows["response_known"].to_numpy() == 0
    ranked = {
        "lead_rank": pa.array(n_leads_before + np.cumsum(is_lead), mask=~is_lead),
        "percentile": percentile.astype(np.float32),
        "decile": find_deciles(percentile),
    }
    columns = {name: rows[name] for name in rows.column_names} | ranked
    return pa.table([columns[name] for name in SCORES_SCHEMA.names], schema=SCORES_SCHEMA)
