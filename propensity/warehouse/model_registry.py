"""Model versions and the append-only history of which of them served."""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, insert, select, true

from propensity import __version__
from propensity.errors import WarehouseError
from propensity.evaluation.gate import Contender, Decision
from propensity.metrics.records import Evaluation
from propensity.warehouse.engine import begin_write
from propensity.warehouse.locks import wait_for_lock
from propensity.warehouse.runs import Run
from propensity.warehouse.schema.tables import model_versions, promotions


def find_champion(engine: Engine, as_of: dt.date | None = None) -> str | None:
    """Return the version that serves from a date on, or None before the first.

    A night of the past is judged against the champion of its time, and what it promotes does not
    displace a newer champion.

    Args:
        engine: The warehouse.
        as_of: Date of the night; default: the newest decision counts.
    """
    with engine.connect() as connection:
        return _find_champion(connection, as_of)


def _find_champion(connection: Connection, as_of: dt.date | None = None) -> str | None:
    query = _serving_since(as_of).with_only_columns(promotions.c.to_version)
    return connection.execute(query).scalars().first()


def _serving_since(as_of: dt.date | None) -> Select[Any]:
    in_time = true() if as_of is None else promotions.c.as_of <= as_of
    return (
        select(promotions)
        .where(promotions.c.decision.in_(("promoted", "rolled_back")), in_time)
        .order_by(promotions.c.as_of.desc(), promotions.c.promotion_id.desc())
    )


def find_files_digest(engine: Engine, version: str | None) -> str | None:
    """Return the digest a version was registered with (None: one of before, or no version)."""
    columns = model_versions.c
    query = select(columns.files_digest).where(columns.model_version == version)
    with engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def roll_back_model(
    engine: Engine, *, by: str, reason: str, to_version: str | None = None
) -> tuple[str, str]:
    """Make an earlier version the champion again, in one transaction.

    Scores that are published stay as they are; the next night is scored by it, unless its candidate
    beats it.

    Args:
        engine: The warehouse.
        by: Who does it.
        reason: Why.
        to_version: Any version that was promoted once; default: the champion before this one.

    Returns:
        The champion before, and the one now.

    Raises:
        WarehouseError: There is no champion, none before it, or no such version.
    """
    with begin_write(engine) as connection:
        wait_for_lock(connection, "promote")
        now = connection.execute(_serving_since(None)).first()
        if now is None:
            raise WarehouseError("No model was promoted yet", todo="Run `propensity run` first")
        target = _find_before(connection, now.to_version) if to_version is None else to_version
        _check_promoted(connection, target, now.to_version)
        newest = connection.execute(select(func.max(promotions.c.as_of))).scalar_one()
        row = {
            "decided_at": dt.datetime.now(dt.UTC),
            "decided_by": by,
            "as_of": newest,
            "from_version": now.to_version,
            "to_version": target,
            "decision": "rolled_back",
            "reason": reason,
        }
        connection.execute(insert(promotions).values(row))
    return now.to_version, str(target)


def _find_before(connection: Connection, version: str) -> str | None:
    """Return the champion that a version replaced when it was first promoted."""
    query = (
        select(promotions.c.from_version)
        .where(promotions.c.decision == "promoted", promotions.c.to_version == version)
        .order_by(promotions.c.promotion_id)
    )
    return connection.execute(query).scalars().first()


def _check_promoted(connection: Connection, version: str | None, champion: str) -> None:
    if version is None:
        raise WarehouseError(f"No model served before {champion}")
    query = select(promotions.c.to_version).where(promotions.c.decision == "promoted")
    if version not in set(connection.execute(query).scalars()):
        raise WarehouseError(
            f"Version {version} was never promoted",
            expected="a version that served once",
            todo="Choose one from `propensity models`",
        )


def record_decision(
    engine: Engine, run: Run, candidate: Contender, decision: Decision, against: str | None
) -> None:
    """Register tonight's version and what the gate decided about it, in one transaction.

    Args:
        engine: The warehouse.
        run: The night that decides.
        candidate: Its version.
        decision: Of the gate.
        against: The champion it was judged against.

    Raises:
        WarehouseError: Another version was made champion meanwhile; nothing is written.
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
        "prevalence": evaluation.prevalence,
        **describe_quality(evaluation),
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
        _check_champion(connection, run, against)
        connection.execute(insert(model_versions).values(registered))
        connection.execute(insert(promotions).values(decided))


def _check_champion(connection: Connection, run: Run, against: str | None) -> None:
    champion = _find_champion(connection, run.night.as_of)
    if champion != against:
        raise WarehouseError(
            f"{champion} was made champion while the night was judged against {against}",
            todo="Nothing was decided or published. Run the night again: it will be judged anew",
        )


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
