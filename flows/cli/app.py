"""The commands that read, and `simulate`; flows/cli/main.py adds those that need Prefect."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.progress import Progress
from sqlalchemy import Executable

from flows.cli.terminal import print_frame, print_leads, terminal, write_csv
from propensity.errors import ModelError
from propensity.settings import Settings
from propensity.storage.workspace import Workspace
from propensity.warehouse import queries
from propensity.warehouse.access import open_reader
from propensity.warehouse.promotions import find_champion

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Score policyholders every night; pull leads with their F1.\n\n"
    "Exit codes: 0 done, 1 bug, 2 wrong usage, 3 files refused, 4 no usable model, 5 warehouse, "
    "6 another night is running.",
)
models_app = typer.Typer(help="List model versions; make an earlier one champion again.")
app.add_typer(models_app, name="models", invoke_without_command=True)
Rows = Annotated[int, typer.Option("--top", min=1, help="How many rows, the first ones first.")]


@app.command()
def leads(
    top: Rows = 10,
    calls: Annotated[
        int | None,
        typer.Option(min=1, help="Say how many buyers to expect from so many calls."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write them (all of --calls, or --top) to this CSV file instead."),
    ] = None,
) -> None:
    """Show whom to call first: the best leads of the published night, and what to expect."""
    engine = open_reader(Settings().warehouse_url)
    if calls is None:
        frame = queries.read_rows(engine, queries.LEADS, top)
    elif csv is None:
        _print_forecast(queries.forecast_calls(engine, calls))
        return
    else:
        forecast, frame = queries.read_calls(engine, calls)
        _print_forecast(forecast)
    if csv is not None:
        try:
            write_csv(frame, csv)
        except OSError as error:
            raise typer.BadParameter(str(error)) from error
        terminal.print(f"{len(frame):,} leads written to {csv}")
    else:
        print_leads(frame)


def _print_forecast(found: queries.CallForecast) -> None:
    terminal.print(
        f"Call the {found.n_calls:,} best leads: expect {found.expected_buyers:,.0f} buyers "
        f"({found.interval:,.0f}), {found.reached_share:.0%} of the buyers among all leads.",
        highlight=False,
    )


@app.command()
def runs(top: Rows = 10) -> None:
    """List the latest runs and what became of them; > marks the one readers see."""
    frame = _read(queries.RUNS, top)
    marks = frame.pop("is_current").map({1: ">", 0: ""})
    frame.insert(0, "", marks)
    dull = ["f1_low", "f1_high", "started_at"]
    print_frame(frame.drop(columns=dull), "Runs, newest first")


@models_app.callback()
def models(context: typer.Context, top: Rows = 10) -> None:
    """List model versions and what the gate decided about each; > marks the champion."""
    if context.invoked_subcommand is not None:
        return
    frame = _read(queries.MODELS, top)
    champion = find_champion(open_reader(Settings().warehouse_url))
    frame.insert(0, "", (frame["model_version"] == champion).map({True: ">", False: ""}))
    print_frame(frame, "Model versions, newest first")


@models_app.command()
def card(
    version: Annotated[str, typer.Argument(help="Name, as `propensity models` shows it.")],
) -> None:
    """Print the card of a model version: data, quality, slices, limits, history."""
    from propensity.reporting.card import find_card  # pictures: half a second

    path = find_card(Workspace(Settings().data_dir).model(version))
    if not path.is_file():
        raise ModelError(
            f"There is no {path}",
            expected="the card that a night writes beside its model version",
            todo="Choose a version from `propensity models`; those of old software have no card",
        )
    typer.echo(path)
    typer.echo(path.read_text(encoding="utf-8"))


@app.command()
def simulate(
    rows: Annotated[int, typer.Option(min=1, help="Policyholders.")],
    out: Annotated[Path, typer.Option(help="CSV file to write; gzipped if it ends in .gz.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same book.")] = 0,
    prevalence: Annotated[float, typer.Option(help="Share that says yes.")] = 0.123,
    unlabelled_share: Annotated[float, typer.Option(help="Share with a blank response.")] = 0.0,
    truth: Annotated[
        Path | None, typer.Option(help="Write the true probabilities to this Parquet file.")
    ] = None,
) -> None:
    """Write a synthetic book of policyholders with a known response function."""
    from propensity.simulation.book import simulate_book

    with Progress(console=terminal, transient=True) as bar:
        stage = bar.add_task("simulate", total=rows)
        try:
            book = simulate_book(
                out,
                n_rows=rows,
                seed=seed,
                prevalence=prevalence,
                unlabelled_share=unlabelled_share,
                truth=truth,
                on_rows=lambda n_rows: bar.update(stage, completed=n_rows),
            )
        except (ValueError, OSError) as error:
            raise typer.BadParameter(str(error)) from error
    labelled = f"{book.n_labelled:,} labelled, {book.prevalence:.2%} of them ones"
    terminal.print(f"{book.n_rows:,} policyholders ({labelled}) written to {book.path}")


def _read(query: Executable, n_rows: int) -> pd.DataFrame:
    return queries.read_rows(open_reader(Settings().warehouse_url), query, n_rows)
