"""Whom to call, and whom never to contact: `propensity leads`, `propensity suppress`."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import MOST, Rows
from flows.cli.terminal import print_leads, terminal, write_csv
from propensity.settings import Settings
from propensity.warehouse import queries
from propensity.warehouse.access import open_existing, open_reader
from propensity.warehouse.suppression_file import read_suppressions
from propensity.warehouse.suppressions import record_suppressions


def leads(
    top: Rows = 10,
    calls: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST, help="Forecast how many buyers this number of calls will reach."
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write the leads (--calls of them, or --top) to this CSV file instead."),
    ] = None,
) -> None:
    """Show whom to call first: the best leads of the published night."""
    engine = open_reader(Settings())
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


def suppress(
    file: Annotated[
        Path, typer.Argument(help="CSV: policyholder_id, reason[, valid_from, valid_until].")
    ],
    shorten: Annotated[
        bool,
        typer.Option(
            "--shorten",
            help="Allow a row to shorten a stored suppression with the same policyholder_id and "
            "valid_from.",
        ),
    ] = False,
) -> None:
    """Never contact these policyholders: the leads omit them immediately."""
    rows = read_suppressions(file)
    # objections may be loaded into a new PostgreSQL before its first night
    engine = open_existing(Settings(), may_be_empty=True)
    done = record_suppressions(engine, rows, by=getpass.getuser(), may_shorten=shorten)
    terminal.print(f"{done.n_recorded:,} suppressions recorded; they take effect immediately.")
    if shorten:
        terminal.print(f"{done.n_shortened:,} stored suppressions shortened.")
    if done.n_kept:
        terminal.print(
            f"{done.n_kept:,} rows ignored: a suppression for the same policyholder_id and"
            " valid_from that lasts as long or longer is stored. To shorten it:"
            " propensity suppress --shorten"
        )
