"""Commands that change the warehouse: roll back, suppress, drop old nights."""

import getpass
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from flows.cli.app import app, models_app
from flows.cli.terminal import print_frame, terminal
from propensity.runtime.night import only_one_night
from propensity.settings import Settings
from propensity.storage.workspace import Workspace
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.leftovers import find_leftovers, remove_leftovers
from propensity.warehouse.pointer import roll_back
from propensity.warehouse.promotions import roll_back_model
from propensity.warehouse.retention import drop_superfluous, find_superfluous
from propensity.warehouse.suppression_file import read_suppressions
from propensity.warehouse.suppressions import record_suppressions

Reason = Annotated[str, typer.Option(help="Why; it is recorded with your name.")]


@app.command()
def rollback(
    reason: Reason,
    to: Annotated[
        int | None, typer.Option(help="Number of the run; default: the one before.")
    ] = None,
) -> None:
    """Show readers another night, at once: by default the one before the night they see."""
    engine = open_warehouse(Settings().warehouse_url)
    before, now = roll_back(engine, by=getpass.getuser(), reason=reason, to_run_id=to)
    terminal.print(f"Readers saw run {before}; they see run {now} now.")
    terminal.print(
        f"Until the next night. To undo it: propensity rollback --to {before} --reason WHY"
    )


@models_app.command(name="rollback")
def rollback_model(
    reason: Reason,
    to: Annotated[
        str | None, typer.Option(help="Name of the version; default: the champion before.")
    ] = None,
) -> None:
    """Make an earlier model version the champion again; published scores stay as they are."""
    engine = open_warehouse(Settings().warehouse_url)
    before, now = roll_back_model(engine, by=getpass.getuser(), reason=reason, to_version=to)
    terminal.print(f"The champion was {before}; it is {now} now, from the next night on.")
    terminal.print(f"To undo it: propensity models rollback --to {before} --reason WHY")


@app.command()
def suppress(
    file: Annotated[
        Path, typer.Argument(help="CSV: policyholder_id, reason[, valid_from, valid_until].")
    ],
    shorten: Annotated[
        bool,
        typer.Option("--shorten", help="Let a row end one of its id and valid_from earlier."),
    ] = False,
) -> None:
    """Never contact these policyholders: they leave the leads at once."""
    rows, engine = read_suppressions(file), open_warehouse(Settings().warehouse_url)
    done = record_suppressions(engine, rows, by=getpass.getuser(), may_shorten=shorten)
    terminal.print(f"{done.n_recorded:,} suppressions recorded; they hold at once.")
    if shorten:
        terminal.print(f"{done.n_shortened:,} stored before end earlier now.")
    if done.n_kept:
        terminal.print(
            f"{done.n_kept:,} rows changed nothing: of the same policyholder_id and valid_from what"
            " lasts longest counts. To end one earlier on purpose: propensity suppress --shorten"
        )


@app.command()
def retention(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Nights to keep; default: PROPENSITY_KEEP_NIGHTS.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
) -> None:
    """Drop the scores of old nights, and files that no night needs any more.

    Kept are promotions' nights, what readers see, and what a night of the last week could resume.
    """
    settings = Settings()
    engine = open_warehouse(settings.warehouse_url)
    workspace = Workspace(settings.data_dir.resolve())
    decide = find_superfluous if dry_run else drop_superfluous
    nights = decide(engine, keep or settings.keep_nights)
    if nights:
        print_frame(pd.DataFrame(nights), "Would be dropped" if dry_run else "Dropped")
    if dry_run:
        leftovers = find_leftovers(engine, workspace, [night.run_name for night in nights])
    else:
        with only_one_night(settings):
            leftovers = remove_leftovers(engine, workspace)
    if leftovers:
        title = "Files that would be removed" if dry_run else "Files removed"
        print_frame(pd.DataFrame(leftovers), title)
    if not nights and not leftovers:
        terminal.print("Nothing to drop.")
