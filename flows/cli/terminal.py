"""Print frames as tables on the terminal; write them to CSV files."""

import csv
import os
import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from propensity.metrics.catalog import METRICS
from propensity.storage.atomic_write import write_whole
from propensity.storage.csv_injection import defuse

# pipes and files have no width: wrap lines later than at rich's 80, and tables hardly ever
has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
terminal = Console(width=None if has_width else 120)
table_terminal = terminal if has_width else Console(width=220)
formats = {
    "probability": "{:.4f}",
    "percentile": "{:.2f}",
    "decision_threshold": "{:.4f}",
    "prevalence": "{:.4f}",
    **{n: m.format for m in METRICS for n in (m.name, *m.column_meanings)},
    "f1_at_half": "{:.4f}",
    "difference": "{:+.4f}",
    "difference_low": "{:+.4f}",
    "difference_high": "{:+.4f}",
    "fit_seconds": "{:.0f}",
    "n_policyholders": "{:,.0f}",
    "n_rejected": "{:,.0f}",
    "n_bytes": "{:,.0f}",
    "finished_at": "{:.16}",
    "trained_at": "{:.16}",
}


def print_leads(frame: pd.DataFrame) -> None:
    """Print leads, with the values that all of them share in the title.

    The percentile adds little to the rank; only the CSV file has it.
    """
    if frame.empty:
        terminal.print("No leads: nothing is published, or nobody may be called.")
        return
    first = frame.iloc[0]
    source = f"scored by {first.model_version} as of {first.as_of}, F1 {first.f1_score:.4f}"
    dull = ["model_version", "as_of", "f1_score", "scored_at", "percentile"]
    print_frame(frame.drop(columns=dull), f"The {len(frame):,} best leads, {source}")


def print_frame(frame: pd.DataFrame, title: str) -> None:
    """Print a frame as a table."""
    table = Table(title=Text(title), title_justify="left")
    for name in frame.columns:
        is_number = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(name.replace("_", " "), justify="right" if is_number else "left")
    for row in frame.to_dict("records"):
        cells = ((name, row[name]) for name in frame.columns)
        # as Text, so that brackets are not parsed as markup
        table.add_row(*[Text("" if pd.isna(v) else _format(str(k), v)) for k, v in cells])
    table_terminal.print(table)


def _format(name: str, value: object) -> str:
    return formats.get(name, "{}").format(str(value) if name.endswith("_at") else value)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a CSV file whose cells a spreadsheet does not run as formulas.

    Text that begins like a formula is prefixed with an apostrophe (OWASP: CSV injection).

    Raises:
        OSError: The file cannot be written.
    """
    safe = frame.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = safe[name].map(defuse)
    # quoted, because a bare carriage return would begin a new row
    with write_whole(path) as unfinished:
        safe.to_csv(unfinished, index=False, quoting=csv.QUOTE_NONNUMERIC)
