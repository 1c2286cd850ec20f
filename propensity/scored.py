"""The record of a scored book; apart from scoring.py, which needs TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

FIRST_PASS = pa.schema(
    [
        ("policyholder_id", pa.int64()),
        ("fold", pa.int8()),
        ("response_known", pa.int8()),
        ("probability", pa.float32()),
        ("predicted_response", pa.int8()),
    ]
)
SCORES_SCHEMA = FIRST_PASS.append(pa.field("percentile", pa.float32())).append(
    pa.field("decile", pa.int8())
)


@dataclass(frozen=True)
class ScoredBook:
    """Parts of scores of every policyholder of a book, in SCORES_SCHEMA."""

    parts: tuple[Path, ...]
    n_rows: int
