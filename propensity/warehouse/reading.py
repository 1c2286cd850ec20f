"""What the command line reads from the warehouse: leads, runs, model versions, a summary."""

from dataclasses import dataclass, fields
from typing import Any

import pandas as pd
from sqlalchemy import Engine, TextClause, text
from sqlalchemy.exc import DBAPIError

from propensity.errors import WarehouseError

LEADS = text(
    "SELECT policyholder_id, probability, percentile, decile, predicted_response,"
    " decision_threshold, f1_score, model_version, as_of, scored_at"
    " FROM leads ORDER BY probability DESC, policyholder_id LIMIT :n_rows"
)
RUNS = text(
    "SELECT r.run_id, r.as_of, r.status, r.n_policyholders, r.n_rejected, r.prevalence,"
    " r.f1_score, r.f1_low, r.f1_high, r.model_version, r.started_at, r.finished_at, r.reason,"
    " p.run_id IS NOT NULL AS is_current"
    " FROM scoring_runs r LEFT JOIN published_run p ON p.run_id = r.run_id"
    " ORDER BY r.run_id DESC LIMIT :n_rows"
)
MODELS = text(
    "SELECT m.model_version, m.trained_at, m.f1_score, m.f1_low, m.f1_high, m.average_precision,"
    " m.roc_auc, m.calibration_error, p.decision, p.reason"
    " FROM model_versions m JOIN promotions p ON p.to_version = m.model_version"
    " ORDER BY p.promotion_id DESC LIMIT :n_rows"
)
SUMMARY = text(
    "SELECT r.*, p.decision, p.reason AS decision_reason,"
    " (SELECT run_id FROM published_run) AS readers_run_id FROM scoring_runs r"
    " LEFT JOIN promotions p ON p.run_id = r.run_id WHERE r.run_id = :run_id"
)
THRESHOLDS = text(
    "SELECT min(decision_threshold), max(decision_threshold) FROM run_thresholds"
    " WHERE run_id = :run_id"
)


@dataclass(frozen=True)
class RunSummary:
    """What became of one run: a row of scoring_runs with the gate's decision."""

    run_id: int
    run_name: str
    as_of: str
    n_policyholders: int
    n_rejected: int
    n_labelled: int
    prevalence: float
    model_version: str
    decision: str
    decision_reason: str
    f1_score: float
    f1_low: float
    f1_high: float
    average_precision: float
    roc_auc: float
    calibration_error: float
    readers_run_id: int
    thresholds: tuple[float, float]


def summarize_run(engine: Engine, run_id: int) -> RunSummary:
    """Read what became of a published run; `thresholds` is the lowest and highest of the folds."""
    with engine.connect() as connection:
        row = connection.execute(SUMMARY, {"run_id": run_id}).mappings().one()
        thresholds = connection.execute(THRESHOLDS, {"run_id": run_id}).one()
    names = [f.name for f in fields(RunSummary) if f.name != "thresholds"]
    values: dict[str, Any] = {name: row[name] for name in names}
    return RunSummary(**values, thresholds=(thresholds[0], thresholds[1]))


def read_rows(engine: Engine, query: TextClause, n_rows: int) -> pd.DataFrame:
    """Read at most n_rows of one of the queries above.

    Raises:
        WarehouseError: The database does not answer, or has no schema yet.
    """
    try:
        with engine.connect() as connection:
            return pd.read_sql(query, connection, params={"n_rows": n_rows})
    except DBAPIError as error:
        raise WarehouseError(
            f"The warehouse {engine.url.render_as_string()} cannot be read: {error.orig}",
            todo="Check PROPENSITY_DATABASE_URL; `propensity run` makes the schema",
        ) from error
