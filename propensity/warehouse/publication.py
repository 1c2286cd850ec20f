"""Publish the scores of a run: load them, audit them, then move the pointer of the readers."""

import dataclasses
import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, select, update

from propensity.errors import WarehouseError
from propensity.evaluation.records import Contender
from propensity.ingest.book import CuratedBook
from propensity.progress import OnProgress, ignore_progress
from propensity.scoring.gains import Gain
from propensity.scoring.records import ScoredBook
from propensity.warehouse.engine import begin_write, explain_absence
from propensity.warehouse.locks import only_one, wait_for_lock
from propensity.warehouse.model_registry import describe_quality
from propensity.warehouse.pointer import (
    find_pointed_at,
    is_older_than_newest,
    point_to,
    refresh_night_before,
)
from propensity.warehouse.runs import Run
from propensity.warehouse.schema.tables import run_gains, run_thresholds, scoring_runs
from propensity.warehouse.scores import run_tables
from propensity.warehouse.scores.audit import Fingerprint, audit_scores
from propensity.warehouse.scores.bulk_load import load_scores


@dataclass(frozen=True)
class Publication:
    """What was published.

    `is_current` is False for a night older than the published one: readers keep the newer night.
    """

    run_id: int
    n_policyholders: int
    is_current: bool


@dataclass(frozen=True)
class ScoredNight:
    """A scored night, ready to be published.

    Args:
        book: What was ingested, to audit against.
        scores: Parts to load.
        serving: The version that made the scores, and their quality.
        gains: What calling the best leads is expected to bring.
        fingerprint: Fingerprint of the parts, which the table has to match.
    """

    book: CuratedBook
    scores: ScoredBook
    serving: Contender
    gains: list[Gain]
    fingerprint: Fingerprint


def publish_scores(
    engine: Engine, run: Run, night: ScoredNight, on_progress: OnProgress = ignore_progress
) -> Publication:
    """Load, index and audit the scores out of sight, then show them in one transaction.

    Readers see last night until that transaction commits, whatever happens before. Calling this
    again after a failure is safe: it starts over, or finds that the commit succeeded.

    Args:
        engine: The warehouse.
        run: Run that computed the scores.
        night: What to publish.
        on_progress: Called with the share of rows loaded.

    Raises:
        BusyError: Another process is publishing; nothing was changed.
        WarehouseError: The audit or the database failed; nothing is published.
    """
    with explain_absence(engine), only_one(engine, "publish"):
        if _find_status(engine, run) != "published":
            run_tables.create(engine, run.run_id)
            load_scores(engine, run.run_id, night.scores, on_progress)
            expected = night.fingerprint, night.book.n_rows
            with ThreadPoolExecutor(1) as beside:
                audited = beside.submit(audit_scores, engine, run.run_id, *expected)
                run_tables.index(engine, run.run_id)
                audited.result()
            run_tables.attach(engine, run.run_id)
            show(engine, run, night)
        with engine.connect() as connection:
            is_current = find_pointed_at(connection) == run.run_id
    return Publication(run.run_id, night.book.n_rows, is_current)


def show(engine: Engine, run: Run, night: ScoredNight) -> None:
    """Record the run as published and move the pointer unless a newer night is stored."""
    now = dt.datetime.now(dt.UTC)
    with begin_write(engine) as connection:
        wait_for_lock(connection, "pointer")
        _check_running(_read_status(connection, run), run)
        _insert_thresholds_and_gains(connection, run, night)
        finished = _describe(night) | {"status": "published", "finished_at": now}
        this_run = scoring_runs.c.run_id == run.run_id
        connection.execute(update(scoring_runs).where(this_run).values(finished))
        if is_older_than_newest(connection, run.night.as_of):
            refresh_night_before(connection)
        else:
            point_to(connection, run.run_id, by="nightly", reason="published")
        run_tables.follow_pointer(connection)


def _find_status(engine: Engine, run: Run) -> str:
    """Return running or published; refuse a run that another one has marked as crashed."""
    with engine.connect() as connection:
        status = _read_status(connection, run)
    if status != "published":
        _check_running(status, run)
    return status


def _read_status(connection: Connection, run: Run) -> str:
    query = select(scoring_runs.c.status).where(scoring_runs.c.run_id == run.run_id)
    return str(connection.execute(query.with_for_update()).scalar_one())


def _check_running(status: str, run: Run) -> None:
    if status != "running":
        todo = "Nothing was published. Run the night again"
        raise WarehouseError(f"Run {run.run_id} was marked {status} meanwhile", todo=todo)


def _insert_thresholds_and_gains(connection: Connection, run: Run, night: ScoredNight) -> None:
    thresholds = [
        {"run_id": run.run_id, "fold": fold, "decision_threshold": threshold}
        for fold, threshold in enumerate(night.serving.evaluation.thresholds)
    ]
    connection.execute(insert(run_thresholds), thresholds)
    if connection.dialect.name == "postgresql":
        # without statistics, which autovacuum skips for so few rows, the planner expects few leads
        # in a fold and sorts them all
        connection.exec_driver_sql(f"ANALYZE {run_thresholds.name}")
    if night.gains:
        rows = [{"run_id": run.run_id} | dataclasses.asdict(gain) for gain in night.gains]
        connection.execute(insert(run_gains), rows)


def _describe(night: ScoredNight) -> dict[str, object]:
    book, scores, serving = night.book, night.scores, night.serving
    return {
        "model_version": serving.version.name,
        "n_policyholders": book.n_rows,
        "n_rejected": book.n_rejected,
        "n_labelled": book.n_labelled,
        "n_control": scores.n_control,
        "n_leads": scores.n_leads,
        **describe_quality(serving.evaluation, "scoring_runs"),
    }
