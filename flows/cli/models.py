"""Model versions: `propensity models`, its `card` and `rollback`."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Reason, Rows
from flows.cli.terminal import print_frame, terminal
from propensity.errors import ModelError
from propensity.settings import Settings
from propensity.storage.workspace import Workspace
from propensity.warehouse import queries
from propensity.warehouse.access import open_existing, open_reader
from propensity.warehouse.promotions import find_champion, roll_back_model

models_app = typer.Typer(help="List model versions; make an earlier one the champion again.")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, top: Rows = 10) -> None:
    """List model versions and the decision about each; > marks the champion."""
    if context.invoked_subcommand is not None:
        return
    engine = open_reader(Settings())
    frame = queries.read_rows(engine, queries.MODELS, top)
    is_champion = frame["model_version"] == find_champion(engine)
    frame.insert(0, "", is_champion.map({True: ">", False: ""}))
    print_frame(frame, "Model versions, newest first")


@models_app.command()
def card(
    version: Annotated[str, typer.Argument(help="Name that `propensity models` shows.")],
) -> None:
    """Print the card of a model version: data, quality, slices, limits, history."""
    from propensity.reporting.model_card import (
        find_card,  # importing Matplotlib takes half a second
    )

    folder = Settings().data_dir
    path = find_card(Workspace(folder).model(version))
    if Path(version).name != version or not path.is_file():
        raise ModelError(
            f"There is no {path} (PROPENSITY_DATA_DIR: {folder.resolve()})",
            expected="the card that a night writes into the folder of its model version",
            todo="Choose a version from `propensity models`; older software wrote no cards",
        )
    typer.echo(path)
    typer.echo(path.read_text(encoding="utf-8"))


@models_app.command()
def rollback(
    reason: Reason,
    to: Annotated[
        str | None, typer.Option(help="Name of the version; default: the previous champion.")
    ] = None,
) -> None:
    """Make an earlier model version the champion again; published scores stay as they are."""
    engine = open_existing(Settings())
    before, now = roll_back_model(engine, by=getpass.getuser(), reason=reason, to_version=to)
    terminal.print(f"The champion was {before}; from the next night on it is {now}.")
    terminal.print(f"To undo it: propensity models rollback --to {before} --reason WHY")
