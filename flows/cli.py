"""`propensity run`, and the entry point of the command line."""

import datetime as dt
import os
import signal
import sys
import threading
from collections.abc import Iterable
from typing import Annotated, Any, NoReturn

import pandas as pd
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError

import propensity.cli_operate  # noqa: F401  (registers its commands)
from flows.ops import ops_app
from propensity.cli import app
from propensity.comparison import FILE_NAME, Comparison
from propensity.errors import InputError, PropensityError
from propensity.input_files import find_files
from propensity.settings import NightlyConfig, Settings
from propensity.strategies import STRATEGIES, StrategyName
from propensity.terminal import print_frame, print_leads, terminal
from propensity.warehouse import reading
from propensity.warehouse.engine import describe
from propensity.warehouse.schema import open_warehouse
from propensity.workspace import Workspace

app.add_typer(ops_app, name="ops")
SECONDS_TO_END = 10
EXIT_INTERRUPTED = 130
DEMO_ROWS = 50_000
DEMO_UNLABELLED_SHARE = 0.335
"""As in the real book."""


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
        bool, typer.Option("--force", help="Run again although this very night was published.")
    ] = False,
) -> None:
    """Run one night here and now: read, retrain, decide, score, publish."""
    if csv and simulated:
        raise typer.BadParameter("give CSV files or --simulated, not both")
    settings = Settings()
    files = [_simulate(settings)] if simulated else csv
    date = as_of.date() if as_of else None
    given: dict[str, Any] = {"csv": files, "as_of": date, "force": force or None}
    config = NightlyConfig(**{name: value for name, value in given.items() if value is not None})
    find_files(config.csv)  # said at once, not after Prefect has started
    _prepare_prefect(settings)
    from flows.nightly import nightly

    signal.signal(signal.SIGINT, _end_soon)
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
    _prepare_prefect(Settings())
    from flows.backfill import backfill

    signal.signal(signal.SIGINT, _end_soon)
    nights = []
    for night in backfill(pattern, first.date(), last.date()):
        terminal.print(f"{night.as_of}  {night.outcome}", highlight=False, markup=False)
        nights.append(night)
    failed = [night.error for night in nights if night.error is not None]
    if failed:
        raise failed[-1]
    if not any(night.is_stored for night in nights):
        raise InputError(f"No date has a file {pattern}", todo="Look at the pattern and the dates")


@app.command(name="compare")
def run_comparison(
    csv: Annotated[
        list[str] | None, typer.Argument(help="CSV or CSV.gz files or globs of the book.")
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Try it out on a simulated book instead.")
    ] = False,
    strategy: Annotated[
        list[str] | None,
        typer.Option(help="Only this one and `none`; may be given several times."),
    ] = None,
) -> None:
    """Train every strategy against imbalance on the same folds and compare them."""
    settings = Settings()
    chosen = _choose_strategies(strategy or STRATEGIES)
    files = [_simulate(settings)] if simulated else csv
    config = NightlyConfig(csv=files) if files else NightlyConfig()
    find_files(config.csv)  # said at once, not after Prefect has started
    _prepare_prefect(settings)
    from flows.compare import compare

    signal.signal(signal.SIGINT, _end_soon)
    folder = compare(config, chosen)
    comparison = Comparison.load(folder / FILE_NAME)
    shown = ["name", "f1", "difference", "difference_low", "difference_high", "f1_at_half"]
    shown += ["average_precision", "roc_auc", "calibration_error", "fit_seconds"]
    print_frame(pd.DataFrame(comparison.arms)[shown].astype({"fit_seconds": float}), "")
    terminal.print(comparison.conclusion)
    terminal.print(f"{folder / 'comparison.html'}", soft_wrap=True)


def _choose_strategies(given: Iterable[str]) -> tuple[StrategyName, ...]:
    unknown = [name for name in given if name not in STRATEGIES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(STRATEGIES)}")
    return tuple(s for s in STRATEGIES if s in given)


def _end_soon(*_: object) -> None:
    """Stop at Ctrl-C. It ends Prefect's temporary server too: do not wait for that for minutes."""
    patience = threading.Timer(SECONDS_TO_END, os._exit, [EXIT_INTERRUPTED])
    patience.daemon = True
    patience.start()
    raise KeyboardInterrupt


def _simulate(settings: Settings) -> str:
    from propensity.simulate import simulate_book

    path = Workspace(settings.data_dir).raw / f"simulated-{DEMO_ROWS}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    simulate_book(path, n_rows=DEMO_ROWS, seed=0, unlabelled_share=DEMO_UNLABELLED_SHARE)
    terminal.print(f"No CSV given: a simulated book of {DEMO_ROWS:,} policyholders, {path}")
    return str(path)


def _prepare_prefect(settings: Settings) -> None:
    """Prefect without a server, quiet and with its history in our folder, unless told otherwise."""
    home = settings.data_dir.resolve() / "prefect"
    home.mkdir(parents=True, exist_ok=True)  # Prefect does not, and waits for ever
    defaults = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def _print_summary(settings: Settings, run_id: int, *, is_repeat: bool) -> None:
    engine = open_warehouse(settings.warehouse_url)
    found = reading.summarize_run(engine, run_id)
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
    print_leads(reading.read_rows(engine, reading.LEADS, 10))


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
    Console(stderr=True).print(message, style="bold red", soft_wrap=True, markup=False)
    sys.exit(exit_code)
