"""`propensity run`, and the entry point of the command line."""

import datetime as dt
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError

import flows.cli.operate  # noqa: F401  (registers its commands)
from flows.cli.app import app
from flows.cli.compare import run_comparison
from flows.cli.ops import ops_app
from flows.cli.starting import prepare_prefect, simulate_demo, stop_at_ctrl_c
from flows.cli.terminal import print_leads, terminal
from propensity.errors import InputError, PropensityError
from propensity.runtime import json_log
from propensity.settings import NightlyConfig, Settings
from propensity.storage.input_files import find_files
from propensity.storage.workspace import Workspace
from propensity.warehouse import queries
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.engine import describe

app.add_typer(ops_app, name="ops")


@app.command()
def run(
    csv: Annotated[
        list[str] | None, typer.Argument(help="CSV or CSV.gz files or globs of tonight's book.")
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Try it out on a simulated book instead.")
    ] = False,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Date this night stands for; default: today."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Do everything anew, although this very night was published."),
    ] = False,
) -> None:
    """Run one night here and now: read, retrain, decide, score, publish."""
    if csv and simulated:
        raise typer.BadParameter("give CSV files or --simulated, not both")
    settings = Settings()
    files = [simulate_demo(settings)] if simulated else csv
    date = as_of.date() if as_of else None
    given: dict[str, Any] = {"csv": files, "as_of": date, "force": force or None}
    config = NightlyConfig(**{name: value for name, value in given.items() if value is not None})
    find_files(config.csv)  # said at once, not after Prefect has started
    prepare_prefect(settings)
    from flows.nightly import nightly

    stop_at_ctrl_c()
    result = nightly(config)
    _print_summary(settings, result.run_id, is_repeat=result.is_repeat)


@app.command(name="backfill")
def run_backfill(
    pattern: Annotated[
        str, typer.Argument(help="Files of a date: {as_of} stands for it, 2026-11-23.")
    ],
    first: Annotated[dt.datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First date.")],
    last: Annotated[dt.datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last date.")],
) -> None:
    """Run nights of the past; readers keep the newest, a date without files is passed over."""
    prepare_prefect(Settings())
    from flows.backfill import backfill

    stop_at_ctrl_c()
    nights = []
    for night in backfill(pattern, first.date(), last.date()):
        terminal.print(f"{night.as_of}  {night.outcome}", highlight=False, markup=False)
        nights.append(night)
    failed = [night.error for night in nights if night.error is not None]
    if failed:
        raise failed[-1]
    if not any(night.is_stored for night in nights):
        raise InputError(f"No date has a file {pattern}", todo="Look at the pattern and the dates")


app.command(name="compare")(run_comparison)


def _print_summary(settings: Settings, run_id: int, *, is_repeat: bool) -> None:
    engine = open_warehouse(settings.warehouse_url)
    found = queries.summarize_run(engine, run_id)
    page = Workspace(settings.data_dir).night_page(found.run_name)
    if not page.exists():  # it could not be drawn; this one was before the model was trained
        page = page.with_name("class_balance.html")
    lines = {
        "run": f"{found.run_id} ({found.run_name})"
        + (": published before, nothing to do; --force repeats it" if is_repeat else ""),
        "policyholders": f"{found.n_policyholders:,} scored, {found.n_rejected:,} rows rejected",
        "leads": f"{found.n_leads:,}; {found.n_control:,} policyholders are the control group",
        "prevalence": f"{found.prevalence:.2%} of {found.n_labelled:,} with a known response",
        "F1": f"{found.f1_score:.4f} ({found.f1_low:.4f} to {found.f1_high:.4f}), cross-fitted",
        "threshold": f"{found.threshold_low:.4f} to {found.threshold_high:.4f}, by fold",
        "decision": f"{found.decision.replace('_', ' ')}: {found.decision_reason}",
        "scored by": found.model_version,
        "report": str(page),
        "readers see": "this run"
        if found.readers_run_id == found.run_id
        else f"run {found.readers_run_id}, not this one: it is newer, or was rolled back to",
        "query": "SELECT * FROM leads ORDER BY lead_rank LIMIT 10;",
        "warehouse": describe(engine),
    }
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")  # a path that ends in dots cannot be opened
    for name, text in lines.items():
        table.add_row(name, text)
    terminal.print(table)
    print_leads(queries.read_rows(engine, queries.LEADS, 10))


def main() -> None:
    """Run the command line; our own errors end it with one message and their exit code."""
    try:
        app()
    except PropensityError as error:
        _fail(f"{type(error).__name__}: {error}", error.exit_code)
    except ValidationError as error:
        _fail(f"Settings (PROPENSITY_...): {error}", exit_code=2)
    except DBAPIError as error:
        _fail(f"WarehouseError: {error.orig}. Run again when the database is free", exit_code=5)
    except OSError as error:
        _fail(f"A file cannot be read or written: {error}", exit_code=1)


def _fail(message: str, exit_code: int) -> NoReturn:
    if os.environ.get("PROPENSITY_LOG_FORMAT") == "json":  # the settings themselves may be wrong
        sys.stderr.write(f"{json_log.format_error(message)}\n")
    else:
        Console(stderr=True).print(message, style="bold red", soft_wrap=True, markup=False)
    sys.exit(exit_code)
