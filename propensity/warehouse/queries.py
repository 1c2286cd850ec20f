"""Queries of the command line: leads, runs, model versions, summary of a run, forecast."""

from dataclasses import dataclass, fields
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Executable, bindparam, select, text

from propensity.errors import WarehouseError
from propensity.metrics.catalog import find_metrics
from propensity.metrics.intervals import Interval, expect_buyers
from propensity.warehouse.engine import begin_snapshot, explain_absence
from propensity.warehouse.schema.tables import model_versions, promotions

LEADS = text(
    "SELECT policyholder_id, lead_rank, probability, percentile, decile, predicted_response,"
    " decision_threshold, region_code, sales_channel, f1_score, model_version, as_of, scored_at"
    " FROM leads ORDER BY lead_rank LIMIT :n_rows"
)
RUNS = text(
    "SELECT r.run_id, r.as_of, r.status, r.n_policyholders, r.n_rejected, r.prevalence,"
    " r.f1_score, r.f1_low, r.f1_high, r.model_version, r.started_at, r.finished_at, r.reason,"
    " p.run_id IS NOT NULL AS is_current"
    " FROM scoring_runs r LEFT JOIN published_run p ON p.run_id = r.run_id"
    " ORDER BY r.run_id DESC LIMIT :n_rows"
)
_kept = [metric for metric in find_metrics("terminal") if "model_versions" in metric.places]
_columns = [column for metric in _kept for column in metric.column_meanings]
MODELS = (
    select(
        *model_versions.c["model_version", "trained_at", *_columns],
        *promotions.c["decision", "reason"],
    )
    .join(promotions, promotions.c.to_version == model_versions.c.model_version)
    .where(promotions.c.decision != "rolled_back")
    .order_by(promotions.c.promotion_id.desc())
    .limit(bindparam("n_rows"))
)
SUMMARY = text(
    "SELECT l.*, (SELECT run_id FROM published_run) AS readers_run_id"
    " FROM lineage l WHERE l.run_id = :run_id"
)
CALLS = text(
    "SELECT count(*) AS n, sum(probability) AS expected,"
    " sum(probability * (1 - probability)) AS variance"
    " FROM (SELECT probability FROM leads ORDER BY lead_rank LIMIT :n_calls) AS called"
)
CALIBRATION = text(
    "SELECT actual_ratio, relative_error FROM lead_gains"
    " WHERE n_policyholders >= :n_calls OR percent = 100 ORDER BY percent LIMIT 1"
)
ALL_BUYERS = text("SELECT expected_buyers FROM lead_gains WHERE percent = 100")


@dataclass(frozen=True)
class RunSummary:
    """Summary of one run: its row of the view lineage, and the run that readers see."""

    run_id: int
    run_name: str
    n_policyholders: int
    n_rejected: int
    n_labelled: int
    n_leads: int
    n_control: int
    prevalence: float
    model_version: str
    decision: str
    decision_reason: str
    f1_score: float
    f1_low: float
    f1_high: float
    threshold_low: float
    threshold_high: float
    readers_run_id: int


def summarize_run(engine: Engine, run_id: int) -> RunSummary:
    """Read the summary of a published run."""
    with explain_absence(engine), engine.connect() as connection:
        row = connection.execute(SUMMARY, {"run_id": run_id}).mappings().one()
    values: dict[str, Any] = {f.name: row[f.name] for f in fields(RunSummary)}
    return RunSummary(**values)


def read_rows(engine: Engine, query: Executable, n_rows: int) -> pd.DataFrame:
    """Run one of the queries above and return at most n_rows rows.

    Raises:
        WarehouseError: The database does not answer, has no schema yet, or refuses this user.
    """
    with explain_absence(engine), engine.connect() as connection:
        return _read_rows(connection, query, n_rows)


def _read_rows(connection: Connection, query: Executable, n_rows: int) -> pd.DataFrame:
    found = connection.execute(query, {"n_rows": n_rows})
    return pd.DataFrame(found.all(), columns=list(found.keys()))


@dataclass(frozen=True)
class CallForecast:
    """Expected result of calling the best leads, without those suppressed by now.

    Args:
        n_calls: Number of leads to call; fewer than requested if there are no more.
        expected_buyers: Sum of their probabilities.
        interval: 95 % interval of the buyers, see propensity.metrics.intervals.expect_buyers.
        reached_share: Share of the expected buyers among all leads of the night.
    """

    n_calls: int
    expected_buyers: float
    interval: Interval
    reached_share: float


def read_calls(engine: Engine, n_calls: int) -> tuple[CallForecast, pd.DataFrame]:
    """Read the n best leads and their forecast, both from the same night.

    Raises:
        WarehouseError: There are no leads, or the database does not answer.
    """
    with begin_snapshot(engine) as connection:
        return _forecast_calls(connection, n_calls), _read_rows(connection, LEADS, n_calls)


def forecast_calls(engine: Engine, n_calls: int) -> CallForecast:
    """Forecast the number of buyers from calling the n best leads.

    Raises:
        WarehouseError: There are no leads, or the database does not answer.
    """
    with begin_snapshot(engine) as connection:
        return _forecast_calls(connection, n_calls)


def _forecast_calls(connection: Connection, n_calls: int) -> CallForecast:
    asked = {"n_calls": n_calls}
    n, expected, variance = connection.execute(CALLS, asked).one()
    calibration = connection.execute(CALIBRATION, asked).first()
    all_buyers = connection.execute(ALL_BUYERS).scalar_one_or_none()
    if not n:
        raise WarehouseError("There are no leads", todo="See `propensity runs` for the last night")
    if calibration is None or not all_buyers:
        raise WarehouseError("This night has no expected gains", todo="Publish another night")
    ratio, error = calibration
    interval = expect_buyers(expected, variance, ratio, error, n)
    return CallForecast(n, expected, interval, min(1.0, expected / all_buyers))
