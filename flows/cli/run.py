"""Run tonight or past nights: `propensity run`, `propensity backfill`."""

import datetime as dt
from typing import Annotated, Any

import typer
from rich.table import Table

from flows.cli.options import Book, Simulated
from flows.cli.starting import prepare_prefect, simulate_demo, stop_at_ctrl_c
from flows.cli.terminal import print_leads, terminal
from propensity.errors import InputError
from propensity.settings import NightlyConfig, Settings
from propensity.storage.input_files import find_files
from propensity.storage.workspace import Workspace
from propensity.warehouse import queries
from propensity.warehouse.access import open_reader
from propensity.warehouse.engine import describe

DATE = ["%Y-%m-%d"]


def run(
    csv: Book = None,
    simulated: Simulated = False,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(formats=DATE, help="Date that this night stands for; default: today."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Repeat everything even if this very night is published."),
    ] = False,
) -> None:
    """Run one night now, in this process: read, train, decide, score, publish."""
    if csv and simulated:
        raise typer.BadParameter("give CSV files or --simulated, not both")
    settings = Settings()
    files = [simulate_demo(settings)] if simulated else csv
    date = as_of.date() if as_of else None
    given: dict[str, Any] = {"csv": files, "as_of": date, "force": force or None}
    config = NightlyConfig(**{name: value for name, value in given.items() if value is not None})
    find_files(config.csv)  # a missing file is reported now, not after Prefect has started
    prepare_prefect(settings)
    from flows.nightly import nightly

    stop_at_ctrl_c()
    result = nightly(config)
    _print_summary(settings, result.run_id, is_repeat=result.is_repeat)


def backfill(
    pattern: Annotated[
        str,
        typer.Argument(
            help="Path or glob containing {as_of}, which each date (YYYY-MM-DD) replaces."
        ),
    ],
    first: Annotated[dt.datetime, typer.Option("--from", formats=DATE, help="First date.")],
    last: Annotated[dt.datetime, typer.Option("--to", formats=DATE, help="Last date.")],
) -> None:
    """Run past nights; readers keep the newest, and dates without files are skipped."""
    prepare_prefect(Settings())
    from flows.backfill import backfill as run_nights

    stop_at_ctrl_c()
    nights = []
    for night in run_nights(pattern, first.date(), last.date()):
        terminal.print(f"{night.as_of}  {night.outcome}", highlight=False, markup=False)
        nights.append(night)
    failed = [night.error for night in nights if night.error is not None]
    if failed:
        raise failed[-1]
    if not any(night.is_stored for night in nights):
        raise InputError(f"No file matches {pattern}", todo="Check the pattern and the dates")


def _print_summary(settings: Settings, run_id: int, *, is_repeat: bool) -> None:
    engine = open_reader(settings)
    found = queries.summarize_run(engine, run_id)
    page = Workspace(settings.data_dir).night_page(found.run_name)
    if not page.exists():  # drawing it failed; this page was written before training
        page = page.with_name("class_balance.html")
    lines = {
        "run": f"{found.run_id} ({found.run_name})"
        + (": already published, nothing to do; --force repeats it" if is_repeat else ""),
        "policyholders": f"{found.n_policyholders:,} scored, {found.n_rejected:,} rows rejected",
        "leads": f"{found.n_leads:,}; {found.n_control:,} policyholders are in the control group",
        "prevalence": f"{found.prevalence:.2%} of {found.n_labelled:,} with a known response",
        "F1": f"{found.f1_score:.4f} ({found.f1_low:.4f} to {found.f1_high:.4f}), cross-fitted",
        "threshold": f"{found.threshold_low:.4f} to {found.threshold_high:.4f}, by fold",
        "decision": f"{found.decision.replace('_', ' ')}: {found.decision_reason}",
        "scored by": found.model_version,
        "report": str(page),
        "readers see": "this run"
        if found.readers_run_id == found.run_id
        else f"run {found.readers_run_id}, not this one: it is newer, or a rollback chose it",
        "query": "SELECT * FROM leads ORDER BY lead_rank LIMIT 10;",
        "warehouse": describe(engine),
    }
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")  # a truncated path cannot be opened
    for name, text in lines.items():
        table.add_row(name, text)
    terminal.print(table)
    print_leads(queries.read_rows(engine, queries.LEADS, 10))
