"""Labelled rows, encoded."""

import numpy as np
import pyarrow as pa

from propensity.folds import STATISTICS_SALT, hash_ids
from propensity.model.encoded_rows import N_PARTS, encode_labelled
from propensity.model.encoder import Encoder


def test_the_part_of_a_row_follows_from_its_id_alone() -> None:
    encoder = Encoder({"c": ["a"]}, {"x": [0.0, 1.0]})
    ids = np.arange(5000)
    columns = {"policyholder_id": ids, "response": ids % 2, "c": ["a"] * 5000, "x": ids / 5000}
    rows = pa.table(columns)
    encoded = encode_labelled(encoder, rows)
    assert np.array_equal(encoded.part, hash_ids(ids, STATISTICS_SALT) % np.uint64(N_PARTS))
    assert np.bincount(encoded.part).min() > 900
    assert np.array_equal(encoded.responses, ids % 2)
    assert encoded.codes.shape == encoded.numbers.shape == (5000, 1)
    assert np.array_equal(encode_labelled(encoder, rows[7:9]).part, encoded.part[7:9])
