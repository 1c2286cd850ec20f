"""The command line, except `run`, which needs Prefect (flows/cli.py adds it)."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import TextClause

from propensity.settings import Settings
from propensity.warehouse import reading
from propensity.warehouse.engine import open_warehouse
from propensity.warehouse.pointer import roll_back

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Score policyholders every night; pull leads with their F1.\n\n"
    "Exit codes: 0 done, 1 bug, 2 wrong usage, 3 files refused, 4 no usable model, 5 warehouse, "
    "6 another night is running.",
)
# a pipe or a file has no width: cut lines later than at rich's 80, and tables hardly ever
is_terminal = sys.stdout.isatty()
terminal = Console(width=None if is_terminal else 120)
table_terminal = terminal if is_terminal else Console(width=220)
Rows = Annotated[int, typer.Option("--top", min=1, help="How many rows, the first ones first.")]
formats = {
    "probability": "{:.4f}",
    "percentile": "{:.2f}",
    "decision_threshold": "{:.4f}",
    "prevalence": "{:.4f}",
    "f1_score": "{:.4f}",
    "f1_low": "{:.4f}",
    "f1_high": "{:.4f}",
    "average_precision": "{:.4f}",
    "roc_auc": "{:.4f}",
    "calibration_error": "{:.4f}",
    "n_policyholders": "{:,.0f}",
    "n_rejected": "{:,.0f}",
}


@app.command()
def leads(
    top: Rows = 10,
    csv: Annotated[
        Path | None, typer.Option(help="Write them to this CSV file instead of the terminal.")
    ] = None,
) -> None:
    """Show whom to call first: the best leads of the published night."""
    frame = _read(reading.LEADS, top)
    if csv is not None:
        try:
            frame.to_csv(csv, index=False)
        except OSError as error:
            raise typer.BadParameter(str(error)) from error
        terminal.print(f"{len(frame):,} leads written to {csv}")
    else:
        print_leads(frame)


@app.command()
def runs(top: Rows = 10) -> None:
    """List the latest runs and what became of them; > marks the one readers see."""
    frame = _read(reading.RUNS, top)
    marks = frame.pop("is_current").map({1: ">", 0: ""})
    frame.insert(0, "", marks)
    dull = ["f1_low", "f1_high", "started_at"]
    print_frame(frame.drop(columns=dull), "Runs, newest first")


@app.command()
def models(top: Rows = 10) -> None:
    """List model versions and what the gate decided about each."""
    print_frame(_read(reading.MODELS, top), "Model versions, newest first")


@app.command()
def rollback() -> None:
    """Show readers the night published before the one they see, at once."""
    before, now = roll_back(open_warehouse(Settings().warehouse_url))
    terminal.print(f"Readers saw run {before}; they see run {now} now.")


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
    from propensity.simulate import simulate_book

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


def _read(query: TextClause, n_rows: int) -> pd.DataFrame:
    return reading.read_rows(open_warehouse(Settings().warehouse_url), query, n_rows)


def print_leads(frame: pd.DataFrame) -> None:
    """Print leads; what is the same for all of them stands above the table, once."""
    if frame.empty:
        terminal.print("No leads: nothing is published, or everybody has answered.")
        return
    first = frame.iloc[0]
    source = f"scored by {first.model_version} as of {first.as_of}, F1 {first.f1_score:.4f}"
    shared = ["model_version", "as_of", "f1_score", "scored_at"]
    print_frame(frame.drop(columns=shared), f"The {len(frame):,} best leads, {source}")


def print_frame(frame: pd.DataFrame, title: str) -> None:
    """Print a frame as a table."""
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        is_number = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(name.replace("_", " "), justify="right" if is_number else "left")
    for row in frame.to_dict("records"):
        cells = ((name, row[name]) for name in frame.columns)
        table.add_row(*["" if pd.isna(v) else formats.get(k, "{}").format(v) for k, v in cells])
    table_terminal.print(table)
