"""Labelled rows as a model family learns them: encoded, with their responses."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.folds import STATISTICS_SALT, hash_ids
from propensity.model.encoder import Encoder

N_PARTS = 5
"""Parts of the training rows; the target statistics of a row come from the other parts."""


@dataclass(frozen=True)
class EncodedRows:
    """Rows whose response is known.

    Args:
        codes: Of the categories, shape (n, number of categories).
        numbers: Shape (n, number of numerics), in the units of the columns.
        responses: 0 or 1, shape (n,).
        part: Which target statistics a row may be shown: those of the other parts; 0 to
            N_PARTS - 1, shape (n,).
    """

    codes: NDArray[np.int32]
    numbers: NDArray[np.float32]
    responses: NDArray[Any]
    part: NDArray[np.int64]


def encode_labelled(encoder: Encoder, rows: pa.Table) -> EncodedRows:
    """Encode rows with columns policyholder_id and response; the part follows from the id."""
    ids = rows["policyholder_id"].to_numpy()
    part = (hash_ids(ids, STATISTICS_SALT) % np.uint64(N_PARTS)).astype(np.int64)
    return EncodedRows(*encoder.encode(rows), rows["response"].to_numpy(), part)
