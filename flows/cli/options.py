"""Options that several commands share."""

from typing import Annotated

import typer

MOST = 2**31 - 1
"""The largest whole number that every database accepts as a limit."""
Rows = Annotated[
    int, typer.Option("--top", min=1, max=MOST, help="Number of rows to show, from the top.")
]
Reason = Annotated[
    str, typer.Option(help="Why you do this; it is recorded together with your user name.")
]
Book = Annotated[
    list[str] | None, typer.Argument(help="CSV or CSV.gz files, or globs, of the book.")
]
Simulated = Annotated[
    bool, typer.Option("--simulated", help="Use a simulated book instead, to try it out.")
]
