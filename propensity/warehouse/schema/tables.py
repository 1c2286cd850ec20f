"""Tables of the warehouse and what each column means. Alembic (migrations/) makes them.

The comments here are the only description: PostgreSQL COMMENTs and docs/tables.md are made of them.
"""

from propensity.warehouse.schema.columns import metadata
from propensity.warehouse.schema.model_tables import model_versions, promotions
from propensity.warehouse.schema.run_tables import run_gains, run_thresholds, scoring_runs
from propensity.warehouse.schema.score_tables import (
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
