"""Model versions and the append-only history of which of them served."""

import datetime as dt

from sqlalchemy import Engine, insert, select

from propensity import __version__
from propensity.evaluation import Evaluation
from propensity.gate import Contender, Decision
from propensity.warehouse.engine import begin_write
from propensity.warehouse.runs import Run
from propensity.warehouse.tables import model_versions, promotions


def find_champion(engine: Engine) -> str | None:
    """Return the name of the version promoted last, or None before the first."""
    query = (
        select(promotions.c.to_version)
        .where(promotions.c.decision == "promoted")
        .order_by(promotions.c.promotion_id.desc())
    )
    with engine.connect() as connection:
        return connection.execute(query).scalars().first()


def record_decision(engine: Engine, run: Run, candidate: Contender, decision: Decision) -> None:
    """Register tonight's version and what the gate decided about it, in one transaction."""
    now = dt.datetime.now(dt.UTC)
    version, evaluation = candidate.version, candidate.evaluation
    registered = {
        "model_version": version.name,
        "trained_at": now,
        "artifact_uri": str(version.folder.resolve()),
        "input_digest": run.night.input_digest,
        "config_digest": run.night.config_digest,
        "contract_digest": version.contract_digest,
        "code_version": __version__,
        "n_labelled": evaluation.n_labelled,
        "prevalence": evaluation.prevalence,
        **describe_quality(evaluation),
    }
    decided = {
        "decided_at": now,
        "run_id": run.run_id,
        "from_version": find_champion(engine),
        "to_version": version.name,
        "decision": decision.outcome,
        "reason": decision.reason,
    }
    with begin_write(engine) as connection:
        connection.execute(insert(model_versions).values(registered))
        connection.execute(insert(promotions).values(decided))


def describe_quality(evaluation: Evaluation) -> dict[str, float]:
    """Return the metrics that model_versions and scoring_runs both keep, by column name."""
    return {
        "f1_score": evaluation.f1,
        "f1_low": evaluation.f1_interval.low,
        "f1_high": evaluation.f1_interval.high,
        "average_precision": evaluation.average_precision,
        "roc_auc": evaluation.roc_auc,
        "brier": evaluation.brier,
        "calibration_error": evaluation.calibration_error,
    }
