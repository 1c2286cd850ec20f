"""Stored nights: `propensity runs`, `propensity rollback`, `propensity retention`."""

import getpass
from typing import Annotated

import pandas as pd
import typer

from flows.cli.options import MOST, Reason, Rows
from flows.cli.terminal import print_frame, terminal
from propensity.runtime.night import only_one_night
from propensity.settings import Settings
from propensity.storage.workspace import Workspace
from propensity.warehouse import queries
from propensity.warehouse.access import open_existing, open_reader
from propensity.warehouse.leftovers import find_leftovers, remove_leftovers
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.retention import drop_superfluous, find_superfluous


def runs(top: Rows = 10) -> None:
    """List the latest runs with their status; > marks the run that readers see."""
    frame = queries.read_rows(open_reader(Settings()), queries.RUNS, top)
    frame.insert(0, "", frame.pop("is_current").map({1: ">", 0: ""}))
    hidden = ["f1_low", "f1_high", "started_at"]
    print_frame(frame.drop(columns=hidden), "Runs, newest first")


def rollback(
    reason: Reason,
    to: Annotated[
        int | None,
        typer.Option(max=MOST, help="Number of the run to show; default: the previous night."),
    ] = None,
) -> None:
    """Make readers see another stored night immediately; by default the previous one."""
    engine = open_existing(Settings())
    before, now = roll_back(engine, by=getpass.getuser(), reason=reason, to_run_id=to)
    terminal.print(f"Readers saw run {before}; they see run {now} now.")
    terminal.print(
        f"This lasts until the next night. Undo: propensity rollback --to {before} --reason WHY"
    )


def retention(
    keep: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST, help="How many nights to keep; default: PROPENSITY_KEEP_NIGHTS."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed.")
    ] = False,
) -> None:
    """Drop the scores of old nights, and remove files that no night needs any more.

    Kept are the nights that readers see or that promoted a model, and the files of any night that
    began in the last week, because it could be resumed.
    """
    settings = Settings()
    workspace = Workspace(settings.data_dir.resolve())
    n_kept = keep or settings.keep_nights
    if dry_run:
        engine = open_reader(settings)
        nights = find_superfluous(engine, n_kept)
        leftovers = find_leftovers(engine, workspace, [night.run_name for night in nights])
    else:
        engine = open_existing(settings)
        nights = drop_superfluous(engine, n_kept)
        with only_one_night(settings):
            leftovers = remove_leftovers(engine, workspace)
    if nights:
        print_frame(pd.DataFrame(nights), "Would be dropped" if dry_run else "Dropped")
    if leftovers:
        title = "Files that would be removed" if dry_run else "Files removed"
        print_frame(pd.DataFrame(leftovers), title)
    if not nights and not leftovers:
        terminal.print("Nothing to drop.")
