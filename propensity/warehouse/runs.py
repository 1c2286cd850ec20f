"""Runs: one row for each attempt at a night, from its start to its outcome."""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, func, insert, select, true, update

from propensity import __version__
from propensity.warehouse.engine import begin_write
from propensity.warehouse.schema.tables import published_run, scoring_runs
from propensity.warehouse.scores import run_tables


@dataclass(frozen=True)
class Night:
    """Identity of a night: its date, its book and its configuration."""

    as_of: dt.date
    input_digest: str
    config_digest: str

    @property
    def name(self) -> str:
        """The date, and eight hexadecimal digits derived from both digests."""
        both = hashlib.sha256(f"{self.input_digest}{self.config_digest}".encode()).hexdigest()
        return f"{self.as_of:%Y-%m-%d}-{both[:8]}"


@dataclass(frozen=True)
class Run:
    """One attempt at a night: its warehouse id, and its name in files and model versions."""

    run_id: int
    run_name: str
    night: Night


def find_published(engine: Engine, night: Night) -> Run | None:
    """Return the latest published attempt at this very night."""
    runs = scoring_runs.c
    query = (
        select(runs.run_id, runs.run_name)
        .where(*_same_night(night), runs.status == "published")
        .order_by(runs.run_id.desc())
    )
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return Run(row.run_id, row.run_name, night) if row else None


def start_run(
    engine: Engine, night: Night, files: list[Path], flow_run_id: str | None = None
) -> Run:
    """Record a new attempt, and clean up after crashed attempts at any night."""
    _bury_crashed(engine)
    with begin_write(engine) as connection:
        earlier = select(func.count()).select_from(scoring_runs).where(*_same_night(night))
        n_earlier = connection.execute(earlier).scalar_one()
        name = night.name + (f"-{n_earlier + 1}" if n_earlier else "")
        values = {
            "run_name": name,
            "as_of": night.as_of,
            "input_digest": night.input_digest,
            "config_digest": night.config_digest,
            "input_files": json.dumps([f.name for f in files]),
            "code_version": __version__,
            "flow_run_id": flow_run_id,
            "started_at": dt.datetime.now(dt.UTC),
            "status": "running",
        }
        new = insert(scoring_runs).values(values).returning(scoring_runs.c.run_id)
        run_id = connection.execute(new).scalar_one()
    return Run(run_id, name, night)


def find_earlier(engine: Engine, run: Run) -> tuple[str, ...]:
    """Return the names of earlier attempts at the same date and book, the latest first.

    Their settings may differ: the checkpoint of an output decides whether it can be reused.
    """
    runs, night = scoring_runs.c, run.night
    same_book = runs.as_of == night.as_of, runs.input_digest == night.input_digest
    query = (
        select(runs.run_name)
        .where(*same_book, runs.run_id < run.run_id)
        .order_by(runs.run_id.desc())
    )
    with engine.connect() as connection:
        return tuple(connection.execute(query).scalars())


def fail_run(engine: Engine, flow_run_id: str, reason: str) -> None:
    """Record why a run failed, and drop its scores, which readers never saw."""
    mine = scoring_runs.c.flow_run_id == flow_run_id
    run_tables.drop(engine, _end(engine, mine, "failed", reason))


def _bury_crashed(engine: Engine) -> None:
    """Mark runs whose process vanished, and drop the tables of unpublished runs."""
    reason = "process ended without reporting a result; marked by the next run"
    _end(engine, true(), "crashed", reason)
    with engine.connect() as connection:
        published = select(scoring_runs.c.run_id).where(scoring_runs.c.status == "published")
        mine = set(connection.execute(published.union(select(published_run.c.run_id))).scalars())
    run_tables.drop(engine, run_tables.find_stored(engine) - mine)


def _end(engine: Engine, mine: ColumnElement[bool], status: str, reason: str) -> list[int]:
    """Close those of the given runs that are still running; return their ids."""
    runs = scoring_runs.c
    with begin_write(engine) as connection:
        ended = connection.execute(
            update(scoring_runs)
            .where(mine, runs.status == "running")
            .values(status=status, reason=reason, finished_at=dt.datetime.now(dt.UTC))
            .returning(runs.run_id)
        )
        return list(ended.scalars())


def _same_night(night: Night) -> list[ColumnElement[bool]]:
    runs = scoring_runs.c
    return [
        runs.as_of == night.as_of,
        runs.input_digest == night.input_digest,
        runs.config_digest == night.config_digest,
    ]
