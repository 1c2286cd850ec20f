"""Write tonight's scores beside last night's, audit them, then flip the pointer readers follow."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, func, insert, or_, select, update

from propensity.dataset import CuratedBook
from propensity.errors import WarehouseError
from propensity.gate import Contender
from propensity.parts import read_batches
from propensity.progress import OnProgress, ignore_progress
from propensity.scored import ScoredBook
from propensity.warehouse.engine import begin_write
from propensity.warehouse.models import describe_quality
from propensity.warehouse.pointer import is_older_than_published, point_to
from propensity.warehouse.runs import Run
from propensity.warehouse.tables import (
    policyholder_scores,
    run_thresholds,
    scoring_runs,
)

INSERT_ROWS = 20_000


@dataclass(frozen=True)
class Publication:
    """What was published.

    `is_current` is False for an older night: it is stored, but readers keep the newer one.
    """

    run_id: int
    n_policyholders: int
    is_current: bool


def publish_scores(
    engine: Engine,
    run: Run,
    book: CuratedBook,
    scores: ScoredBook,
    serving: Contender,
    on_progress: OnProgress = ignore_progress,
) -> Publication:
    """Load the scores, then audit them and flip the pointer in one transaction.

    Readers see last night until that transaction commits, whatever happens before.

    Args:
        engine: The warehouse.
        run: The run that made the scores.
        book: What was ingested, to audit against.
        scores: Parts to load.
        serving: The version that made them, and the quality of these very scores.
        on_progress: Called with the share of rows loaded.

    Raises:
        WarehouseError: The audit failed; nothing is published.
    """
    evaluation = serving.evaluation
    load_scores(engine, run.run_id, scores, on_progress)
    with begin_write(engine) as connection:
        audit_scores(connection, run.run_id, book.n_rows)
        thresholds = [
            {"run_id": run.run_id, "fold": fold, "decision_threshold": threshold}
            for fold, threshold in enumerate(evaluation.thresholds)
        ]
        connection.execute(insert(run_thresholds), thresholds)
        now = dt.datetime.now(dt.UTC)
        finished = {
            "status": "published",
            "finished_at": now,
            "model_version": serving.version.name,
            "n_policyholders": book.n_rows,
            "n_rejected": book.n_rejected,
            "n_labelled": book.n_labelled,
            "prevalence": evaluation.prevalence,
            "precision": evaluation.precision,
            "recall": evaluation.recall,
            **describe_quality(evaluation),
        }
        this_run = scoring_runs.c.run_id == run.run_id
        connection.execute(update(scoring_runs).where(this_run).values(finished))
        is_current = not is_older_than_published(connection, run.night.as_of)
        if is_current:
            point_to(connection, run.run_id, now)
    return Publication(run.run_id, book.n_rows, is_current)


def load_scores(
    engine: Engine, run_id: int, scores: ScoredBook, on_progress: OnProgress = ignore_progress
) -> None:
    """Insert all parts under a run that no reader looks at yet, replacing what it had."""
    n_done = 0
    with begin_write(engine) as connection:
        mine = policyholder_scores.c.run_id == run_id
        connection.execute(delete(policyholder_scores).where(mine))
    for part in scores.parts:
        for batch in read_batches(part):
            with begin_write(engine) as connection:
                for start in range(0, batch.num_rows, INSERT_ROWS):
                    rows = batch.slice(start, INSERT_ROWS).to_pylist()
                    connection.execute(
                        insert(policyholder_scores), [{"run_id": run_id, **row} for row in rows]
                    )
            n_done += batch.num_rows
            on_progress(n_done / scores.n_rows)


def audit_scores(connection: Connection, run_id: int, n_expected: int) -> None:
    """Check what was loaded.

    Raises:
        WarehouseError: Rows are missing or too many, an id twice, a null, or a probability outside
            [0, 1].
    """
    scores = policyholder_scores.c
    wrong = or_(
        scores.probability.is_(None),
        ~scores.probability.between(0, 1),
        ~scores.percentile.between(0, 100),
        ~scores.decile.between(1, 10),
        ~scores.predicted_response.in_([0, 1]),
    )
    query = select(
        func.count().label("n_rows"),
        func.count(scores.policyholder_id.distinct()).label("n_ids"),
        func.count().filter(wrong).label("n_wrong"),
    ).where(scores.run_id == run_id)
    found = connection.execute(query).one()
    if (found.n_rows, found.n_ids, found.n_wrong) != (n_expected, n_expected, 0):
        raise WarehouseError(
            f"Audit of run {run_id}: {found.n_rows:,} rows, {found.n_ids:,} ids, "
            f"{found.n_wrong:,} values null or out of range",
            expected=f"{n_expected:,} rows with as many ids and no wrong value",
            todo="Nothing was published: the last good night stays readable",
        )
