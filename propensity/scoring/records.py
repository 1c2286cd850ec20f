"""The record of a scored book, and the schema of its parts."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

SCORES_SCHEMA = pa.schema(
    [
        ("policyholder_id", pa.int64()),
        ("fold", pa.int8()),
        ("response_known", pa.int8()),
        ("response", pa.int8()),
        ("is_control", pa.int8()),
        ("lead_rank", pa.int64()),
        ("probability", pa.float32()),
        ("percentile", pa.float32()),
        ("decile", pa.int8()),
        ("predicted_response", pa.int8()),
        ("region_code", pa.int32()),
        ("sales_channel", pa.int32()),
    ]
)
"""Columns in the order of table policyholder_scores. lead_rank is null unless it is a lead."""
RANKS = ("lead_rank", "percentile", "decile")
UNRANKED_SCHEMA = pa.schema([field for field in SCORES_SCHEMA if field.name not in RANKS])
"""The columns known before the whole book is scored."""


@dataclass(frozen=True)
class ScoredBook:
    """Parts with the scores of every policyholder of a book, in SCORES_SCHEMA, best first."""

    parts: tuple[Path, ...]
    n_rows: int
    n_control: int
    n_leads: int
