"""Labelled rows as input of a model family: encoded, with their responses."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from propensity.folds import STATISTICS_SALT, hash_ids
from propensity.model.encoder import Encoder

N_PARTS = 5
"""Parts of the training rows; a row's target statistics come from the other parts."""


@dataclass(frozen=True)
class EncodedRows:
    """Rows whose response is known.

    Args:
        codes: Codes of the categories, shape (n, number of categories).
        numbers: Numbers in the units of the columns, shape (n, number of numerics).
        responses: 0 or 1, shape (n,).
        part: Part of each row, 0 to N_PARTS - 1, shape (n,).
    """

    codes: NDArray[np.int32]
    numbers: NDArray[np.float32]
    responses: NDArray[Any]
    part: NDArray[np.int64]

    def append(self, made: "EncodedRows | None") -> "EncodedRows":
        """Return these rows followed by the synthetic rows of a strategy, if there are any."""
        if made is None:
            return self
        return EncodedRows(
            np.concatenate([self.codes, made.codes]),
            np.concatenate([self.numbers, made.numbers]),
            np.concatenate([self.responses, made.responses]),
            np.concatenate([self.part, made.part]),
        )


def encode_labelled(encoder: Encoder, rows: pa.Table) -> EncodedRows:
    """Encode rows that have a policyholder_id and a response; the id determines the part."""
    ids = rows["policyholder_id"].to_numpy()
    part = (hash_ids(ids, STATISTICS_SALT) % np.uint64(N_PARTS)).astype(np.int64)
    return EncodedRows(*encoder.encode(rows), rows["response"].to_numpy(), part)
