"""Leftover files: those of attempts that failed or were killed, and of dropped nights."""

import datetime as dt
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, and_, or_, select, tuple_

from propensity.storage.workspace import Workspace
from propensity.warehouse.schema.tables import model_versions, scoring_runs

RESUMABLE = dt.timedelta(days=7)
"""For this long a failed night may be resumed with what its attempts finished."""


@dataclass(frozen=True)
class Leftover:
    """A folder or file to remove, and its size in bytes."""

    path: Path
    n_bytes: int


def find_leftovers(
    engine: Engine, workspace: Workspace, dropped: Collection[str] = ()
) -> list[Leftover]:
    """Return removable files: those of runs that nobody needs, and those never finished.

    The files of a night stay while one of its attempts is published, under way, or began in the
    last seven days, because an attempt may use files of an earlier one in place. Pages and
    registered model versions stay. Files that are not named after a run of this warehouse stay
    too: they may belong to another warehouse.

    Args:
        engine: The warehouse.
        workspace: The data folder.
        dropped: Names of published runs to treat as dropped.
    """
    before = dt.datetime.now(dt.UTC) - RESUMABLE
    past = _find_past_runs(engine, before, dropped)
    models = past - _find_registered(engine)
    folders = [
        *_find_folders(workspace.curated("any").parent, past),
        *_find_folders(workspace.scores("any").parent, past),
        *_find_folders(workspace.checkpoints("any").parent, past),
        *_find_folders(workspace.model("any").parent, models),
    ]
    unfinished = [
        path
        for path in sorted(workspace.root.rglob("*.unfinished*"))
        if path.is_file()
        and path.stat().st_mtime < before.timestamp()
        and not any(folder in path.parents for folder in folders)
    ]
    return [Leftover(path, _count_bytes(path)) for path in (*folders, *unfinished)]


def remove_leftovers(engine: Engine, workspace: Workspace) -> list[Leftover]:
    """Remove the leftovers; call this while no night can begin (runtime.night.only_one_night)."""
    found = find_leftovers(engine, workspace)
    for leftover in found:
        if leftover.path.is_dir():
            shutil.rmtree(leftover.path)
        else:
            leftover.path.unlink()
    return found


def _find_folders(parent: Path, names: set[str]) -> list[Path]:
    """List existing folders only: a name in the database must not lead out of the data folder."""
    return [f for f in sorted(parent.glob("*")) if f.name in names and not f.is_symlink()]


def _find_past_runs(engine: Engine, before: dt.datetime, dropped: Collection[str]) -> set[str]:
    runs = scoring_runs.c
    night = tuple_(runs.as_of, runs.input_digest)  # attempts with other settings share files
    is_stored = and_(runs.status == "published", runs.run_name.not_in(dropped))
    needed = or_(is_stored, runs.status == "running", runs.started_at >= before)
    query = select(runs.run_name).where(night.not_in(select(*night.clauses).where(needed)))
    with engine.connect() as connection:
        return set(connection.execute(query).scalars())


def _find_registered(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(model_versions.c.model_version)).scalars())


def _count_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
