"""Tables of the warehouse and what each column means. Alembic (migrations/) makes them.

The comments here are the only description: PostgreSQL COMMENTs and docs/tables.md are made of them.
"""

from propensity.warehouse.columns import metadata
from propensity.warehouse.tables_of_models import model_versions, promotions
from propensity.warehouse.tables_of_runs import run_gains, run_thresholds, scoring_runs
from propensity.warehouse.tables_of_scores import (
    pointer_moves,
    policyholder_scores,
    published_run,
    suppressions,
)

__all__ = [
    "metadata",
    "model_versions",
    "pointer_moves",
    "policyholder_scores",
    "promotions",
    "published_run",
    "run_gains",
    "run_thresholds",
    "scoring_runs",
    "suppressions",
]
