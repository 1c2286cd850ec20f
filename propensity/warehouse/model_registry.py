"""Registry of model versions: their quality, file digests and promotion decisions."""

import datetime as dt

from sqlalchemy import Engine, insert, select

from propensity import __version__
from propensity.evaluation.records import Contender, Decision
from propensity.metrics.catalog import Place, find_metrics
from propensity.metrics.records import Evaluation
from propensity.warehouse.engine import begin_write, explain_absence
from propensity.warehouse.locks import wait_for_lock
from propensity.warehouse.promotions import check_champion
from propensity.warehouse.runs import Run
from propensity.warehouse.schema.tables import model_versions, promotions


def find_files_digest(engine: Engine, version: str | None) -> str | None:
    """Return the files digest of a version, or None if it was registered before digests existed.

    Raises:
        WarehouseError: The database does not answer, or refuses this user.
    """
    columns = model_versions.c
    query = select(columns.files_digest).where(columns.model_version == version)
    with explain_absence(engine), engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def record_decision(
    engine: Engine, run: Run, candidate: Contender, decision: Decision, against: str | None
) -> None:
    """Register the candidate and the decision of the gate about it, in one transaction.

    Args:
        engine: The warehouse.
        run: Run that trained the candidate.
        candidate: Version to register, with its evaluation.
        decision: Decision of the gate.
        against: Champion that the candidate was compared with, if any.

    Raises:
        WarehouseError: Another version has become champion meanwhile; nothing is written.
    """
    now = dt.datetime.now(dt.UTC)
    version, evaluation = candidate.version, candidate.evaluation
    registered = {
        "model_version": version.name,
        "trained_at": now,
        "artifact_uri": str(version.folder.resolve()),
        "input_digest": run.night.input_digest,
        "config_digest": run.night.config_digest,
        "contract_digest": version.contract_digest,
        "files_digest": version.files_digest,
        "code_version": __version__,
        "n_labelled": evaluation.n_labelled,
        **describe_quality(evaluation, "model_versions"),
    }
    decided = {
        "decided_at": now,
        "decided_by": "gate",
        "as_of": run.night.as_of,
        "run_id": run.run_id,
        "from_version": against,
        "to_version": version.name,
        "decision": decision.outcome,
        "reason": decision.reason,
    }
    with begin_write(engine) as connection:
        wait_for_lock(connection, "promote")
        check_champion(connection, run, against)
        connection.execute(insert(model_versions).values(registered))
        connection.execute(insert(promotions).values(decided))


def describe_quality(evaluation: Evaluation, table: Place) -> dict[str, float]:
    """Return the prevalence and the metrics that a table stores, by column name."""
    values = {"prevalence": evaluation.prevalence}
    for metric in find_metrics(table):
        interval = evaluation.intervals.get(metric.name)
        ends = (interval.low, interval.high) if interval else ()
        values |= zip(metric.column_meanings, (evaluation[metric], *ends), strict=False)
    return values
