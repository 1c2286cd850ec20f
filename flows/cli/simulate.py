"""`propensity simulate`: write a simulated book for trials."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from flows.cli.terminal import terminal


def simulate(
    rows: Annotated[int, typer.Option(min=1, help="Number of policyholders.")],
    out: Annotated[Path, typer.Option(help="CSV file to write; gzipped if it ends in .gz.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same book.")] = 0,
    prevalence: Annotated[float, typer.Option(help="Share of policyholders who say yes.")] = 0.123,
    unlabelled_share: Annotated[
        float, typer.Option(help="Share of policyholders without a response.")
    ] = 0.0,
    truth: Annotated[
        Path | None, typer.Option(help="Write the true probabilities to this Parquet file.")
    ] = None,
) -> None:
    """Write a simulated book of policyholders with a known response function."""
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
    labelled = f"{book.n_labelled:,} labelled, prevalence {book.prevalence:.2%}"
    terminal.print(f"{book.n_rows:,} policyholders ({labelled}) written to {book.path}")
