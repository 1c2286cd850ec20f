"""SMOTE-NC: make training rows that said yes between those that are there.

Chawla et al. 2002, "SMOTE: Synthetic Minority Over-sampling Technique", section 6.1, as
imbalanced-learn implements it: a made row takes each number from the line between a row and one of
its nearest neighbours, and each category from the majority of the neighbours. Numbers are divided
by their standard deviations first, or the one with the largest unit would decide alone who is near.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.model.encoded_rows import N_PARTS, EncodedRows

N_NEIGHBOURS = 5
"""Of each row, as Chawla et al. use it."""
MAX_ONES = 10_000
"""Of each part, drawn at random where there are more: the search for neighbours takes the square of
their number, a second for as many. The real table has 6,300 a part."""


def make_ones(rows: EncodedRows, seed: int) -> EncodedRows:
    """Make as many rows with response 1 as the training rows lack for an even balance.

    Both rows that a made row lies between are of one part, and the made row is of it too. So its
    target statistics, which leave the part out, hold the response of neither: a network would
    otherwise read there that it is made, and thereby that it is a one.

    Args:
        rows: The training rows of one member and no others.
        seed: Of the draw.

    Returns:
        The made rows; none where ones are the majority or no part has two of them. Their numbers
        need not be whole.
    """
    ones = [np.flatnonzero((rows.responses == 1) & (rows.part == k)) for k in range(N_PARTS)]
    parts = [k for k in range(N_PARTS) if len(ones[k]) > 1]
    n_lacking = int((rows.responses == 0).sum() - (rows.responses == 1).sum())
    ends = np.linspace(0, max(n_lacking, 0), len(parts) + 1).astype(int)
    counts = dict(zip(parts, np.diff(ends), strict=True))
    scale = rows.numbers.std(axis=0)
    scale[scale == 0] = 1
    features = np.column_stack([rows.codes, rows.numbers / scale]).astype(np.float64)
    n_codes = rows.codes.shape[1]
    made = [_interpolate(features[ones[k]], n_codes, counts[k], seed + k) for k in parts]
    whole = np.concatenate([np.empty((0, features.shape[1])), *made])
    return EncodedRows(
        whole[:, :n_codes].astype(np.int32),
        (whole[:, n_codes:] * scale).astype(np.float32),
        np.ones(len(whole), dtype=rows.responses.dtype),
        np.repeat(parts, [len(m) for m in made]).astype(np.int64),
    )


def _interpolate(ones: NDArray[Any], n_codes: int, n_made: int, seed: int) -> NDArray[Any]:
    from imblearn.over_sampling import SMOTENC  # a second, and only where it is used

    if len(ones) > MAX_ONES:
        ones = np.random.default_rng(seed).choice(ones, MAX_ONES, replace=False)
    n_ones = len(ones)
    sampler = SMOTENC(
        list(range(n_codes)),
        sampling_strategy={1: n_ones + n_made},
        random_state=seed,
        k_neighbors=min(N_NEIGHBOURS, n_ones - 1),
    )
    # it wants a second class to be there, and looks at it no further
    features, is_one = np.concatenate([ones, ones[:1]]), np.arange(n_ones + 1) < n_ones
    return np.asarray(sampler.fit_resample(features, is_one.astype(int))[0])[n_ones + 1 :]
