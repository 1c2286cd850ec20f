"""What nobody needs any more goes, and nothing that a night could still use."""

import datetime as dt
import os
from pathlib import Path

import pytest
from sqlalchemy import update

from propensity.storage.workspace import Workspace
from propensity.warehouse.leftovers import RESUMABLE, find_leftovers, remove_leftovers
from propensity.warehouse.retention import drop_superfluous
from propensity.warehouse.runs import Run, fail_run, start_run
from propensity.warehouse.schema.tables import scoring_runs

from .conftest import begin, night_of

LONG_AGO = dt.datetime.now(dt.UTC) - RESUMABLE - dt.timedelta(hours=1)
JUST_NOW = dt.datetime.now(dt.UTC) - RESUMABLE + dt.timedelta(hours=1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


@pytest.fixture
def attempt(engine, workspace):
    """An attempt with a file in each of its folders."""

    def make(day: int, began: dt.datetime = LONG_AGO, *, status: str = "failed") -> Run:
        flow_run_id = f"{day}-{began}"
        run = start_run(engine, night_of(day), [], flow_run_id)
        if status == "failed":
            fail_run(engine, flow_run_id, "it was killed")
        settle(engine, run, began, workspace)
        return run

    return make


def settle(engine, run: Run, began: dt.datetime, workspace: Workspace) -> None:
    mine = scoring_runs.c.run_id == run.run_id
    with engine.begin() as connection:
        connection.execute(update(scoring_runs).where(mine).values(started_at=began))
    for folder in (*find_folders(workspace, run), workspace.reports(run.run_name)):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"12345")


def find_folders(workspace: Workspace, run: Run) -> list[Path]:
    places = (workspace.curated, workspace.scores, workspace.checkpoints, workspace.model)
    return [place(run.run_name) for place in places]


def find_paths(engine, workspace: Workspace, **given: object) -> list[Path]:
    return [leftover.path for leftover in find_leftovers(engine, workspace, **given)]


def test_the_files_of_a_failed_attempt_go_and_its_pages_stay(engine, workspace, attempt):
    run = attempt(1)
    listed = find_leftovers(engine, workspace)
    assert [leftover.path for leftover in listed] == find_folders(workspace, run)
    assert [leftover.n_bytes for leftover in listed] == [5, 5, 5, 5]
    assert all(leftover.path.exists() for leftover in listed), "a dry run removes nothing"
    assert remove_leftovers(engine, workspace) == listed
    assert not any(leftover.path.exists() for leftover in listed)
    assert workspace.reports(run.run_name).exists()
    assert remove_leftovers(engine, workspace) == []


def test_what_a_resume_could_use_stays_of_every_attempt_at_that_night(engine, workspace, attempt):
    attempt(1, LONG_AGO)
    attempt(1, JUST_NOW)
    attempt(2, JUST_NOW)
    assert find_paths(engine, workspace) == []


def test_a_night_under_way_keeps_all_its_attempts(engine, workspace, attempt):
    attempt(1)
    attempt(1, status="running")
    assert find_paths(engine, workspace) == []


def test_a_published_night_keeps_all_its_attempts_until_it_is_dropped(
    engine, workspace, attempt, publish_night
):
    failed, published = attempt(1), publish_night(1)
    settle(engine, published, LONG_AGO, workspace)
    for day in (2, 3):
        publish_night(day)
    assert find_paths(engine, workspace) == []
    with engine.begin() as connection:  # no promotion refers to it
        connection.exec_driver_sql("UPDATE promotions SET decision = 'kept_champion'")
    foretold = find_paths(engine, workspace, dropped=[published.run_name])
    drop_superfluous(engine, keep_nights=1)
    assert find_paths(engine, workspace) == foretold
    model, *others = reversed(find_folders(workspace, published))
    assert set(foretold) == {*find_folders(workspace, failed), *others}
    assert model.exists(), "a version that is registered"


def test_a_registered_version_of_a_failed_attempt_stays(engine, workspace):
    run, _ = begin(engine, night_of(1))
    fail_run(engine, "flow-of-2026-11-01", "it was killed after its promotion")
    settle(engine, run, LONG_AGO, workspace)
    *others, model = find_folders(workspace, run)
    assert find_paths(engine, workspace) == others
    assert model.exists()


def test_what_no_run_of_this_warehouse_is_named_after_stays(engine, workspace, attempt):
    attempt(1)
    other = workspace.model("2026-11-01-of-another-warehouse")
    other.mkdir()
    assert other not in find_paths(engine, workspace)


def test_a_name_that_leads_out_of_the_folder_leads_nowhere(engine, workspace, attempt):
    run = attempt(1)
    with engine.begin() as connection:
        mine = scoring_runs.c.run_id == run.run_id
        connection.execute(update(scoring_runs).where(mine).values(run_name="../reports"))
    assert find_paths(engine, workspace) == []


def test_old_unfinished_files_go_and_new_ones_stay(engine, workspace, attempt):
    attempt(1, JUST_NOW)
    old, new = (workspace.reports(name) / "night.html.unfinished" for name in ("old", "new"))
    for path, moment in ((old, LONG_AGO), (new, JUST_NOW)):
        path.parent.mkdir()
        path.touch()
        os.utime(path, (moment.timestamp(), moment.timestamp()))
    assert find_paths(engine, workspace) == [old]
    remove_leftovers(engine, workspace)
    assert not old.exists()
    assert new.exists()
