"""Compare the strategies against class imbalance on the same book and folds; runs weekly.

It reads the book and writes to its own folder: no model is registered, nothing is published.
"""

from pathlib import Path

from prefect import flow

from flows.signals import go_on_unread, heed_termination
from propensity.comparison.records import open_comparison
from propensity.runtime.night import open_workspace
from propensity.settings import STRATEGIES, NightlyConfig, Settings, StrategyName
from tasks.compare import conclude, measure_logistic, measure_strategy, read_book


@flow(name="compare", flow_run_name="compare {config.as_of}")
def compare(config: NightlyConfig, strategies: tuple[StrategyName, ...] = STRATEGIES) -> Path:
    """Read the book, train each strategy, evaluate all with the baselines, and conclude.

    Args:
        config: Configuration of the night, the same for every strategy.
        strategies: Strategies to compare; `none` is always included.

    Returns:
        Folder of the page and the figures.
    """
    go_on_unread()
    with heed_termination():
        chosen = [s for s in STRATEGIES if s == "none" or s in strategies]
        place = open_comparison(config, chosen, open_workspace(Settings()))
        book = read_book(place)
        arms = [measure_strategy(place, book, strategy) for strategy in chosen]
        arms.append(measure_logistic(place, book))
        conclude(place, book, arms)
        return place.folder
