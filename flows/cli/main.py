"""The command line: its commands, error handling and entry point."""

import os
import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import DBAPIError

from flows.cli.compare import compare
from flows.cli.leads import leads, suppress
from flows.cli.models import models_app
from flows.cli.nights import retention, rollback, runs
from flows.cli.ops import ops_app
from flows.cli.run import backfill, run
from flows.cli.simulate import simulate
from propensity.errors import PropensityError
from propensity.runtime import json_log
from propensity.warehouse.engine import first_line

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Score policyholders every night; pull leads with their F1.\n\n"
    "Exit codes: 0 done, 1 bug, 2 wrong usage, 3 files refused, 4 no usable model, 5 warehouse, "
    "6 another night is running.",
)
for command in (run, leads, runs, rollback, suppress, retention, backfill, compare, simulate):
    app.command()(command)
app.add_typer(models_app, name="models")
app.add_typer(ops_app, name="ops")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"propensity {version('propensity')}")
        raise typer.Exit


@app.callback()
def _take_options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; print our own errors as one message and exit with their code."""
    try:
        app()
    except PropensityError as error:
        _fail(f"{type(error).__name__}: {error}", error.exit_code)
    except ValidationError as error:
        _fail(_explain_settings(error), exit_code=2)
    except DBAPIError as error:
        _fail(f"WarehouseError: The warehouse refused: {first_line(error.orig)}", exit_code=5)
    except OSError as error:
        _fail(f"A file cannot be read or written: {error}", exit_code=1)


def _explain_settings(error: ValidationError) -> str:
    """Name each setting and what is wrong with it; its value may be a secret and is not shown."""
    found = ((".".join(map(str, e["loc"])).upper(), e["msg"]) for e in error.errors())
    return "\n".join(
        f"Setting PROPENSITY_{name}: {message.removeprefix('Value error, ')}"
        for name, message in found
    )


def _fail(message: str, exit_code: int) -> NoReturn:
    if os.environ.get("PROPENSITY_LOG_FORMAT") == "json":  # the settings themselves may be wrong
        sys.stderr.write(f"{json_log.format_error(message)}\n")
    else:
        Console(stderr=True).print(message, style="bold red", soft_wrap=True, markup=False)
    sys.exit(exit_code)
