"""`propensity compare`: compare the strategies against class imbalance."""

from collections.abc import Collection
from typing import Annotated

import pandas as pd
import typer

from flows.cli.options import Book, Simulated
from flows.cli.starting import prepare_prefect, simulate_demo, stop_at_ctrl_c
from flows.cli.terminal import print_frame, terminal
from propensity.comparison.records import FILE_NAME, Comparison
from propensity.metrics.catalog import find_metrics
from propensity.settings import (
    NETWORK_ONLY,
    STRATEGIES,
    FamilyName,
    NightlyConfig,
    Settings,
    StrategyName,
)
from propensity.storage.input_files import find_files


def compare(
    csv: Book = None,
    simulated: Simulated = False,
    strategy: Annotated[
        list[str] | None,
        typer.Option(help="Compare only this strategy with `none`; may be given several times."),
    ] = None,
) -> None:
    """Train every strategy against class imbalance on the same folds and compare them."""
    settings = Settings()
    files = [simulate_demo(settings)] if simulated else csv
    config = NightlyConfig(csv=files) if files else NightlyConfig()
    chosen = _choose_strategies(strategy or (), config.model_family)
    find_files(config.csv)  # a missing file is reported now, not after Prefect has started
    prepare_prefect(settings)
    from flows.compare import compare as run_comparison

    stop_at_ctrl_c()
    folder = run_comparison(config, chosen)
    comparison = Comparison.load(folder / FILE_NAME)
    shown = ["name", "f1", "difference", "difference_low", "difference_high", "f1_at_half"]
    shown += [m.name for m in find_metrics("terminal") if m.name not in shown] + ["fit_seconds"]
    rows = pd.DataFrame([arm.to_row() for arm in comparison.arms])
    print_frame(rows[shown].astype({"fit_seconds": float}), "")
    terminal.print(comparison.conclusion)
    terminal.print(f"{folder / 'comparison.html'}", soft_wrap=True)


def _choose_strategies(given: Collection[str], family: FamilyName) -> tuple[StrategyName, ...]:
    possible = [s for s in STRATEGIES if family == "network" or s not in NETWORK_ONLY]
    wrong = [name for name in given if name not in possible]
    if wrong:
        known = ", ".join(possible)
        raise typer.BadParameter(f"{wrong[0]!r} is not one of {known} (model family {family})")
    return tuple(s for s in possible if s in (given or possible))
