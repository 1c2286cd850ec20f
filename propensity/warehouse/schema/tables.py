"""Tables of the warehouse and the meaning of each column; Alembic (migrations/) creates them.

The comments are the only descriptions: PostgreSQL comments and docs/tables.md come from them.
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
