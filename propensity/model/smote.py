"""SMOTE-NC: create synthetic training rows of the class that said yes.

Chawla et al. 2002, "SMOTE: Synthetic Minority Over-sampling Technique", section 6.1, as
imbalanced-learn implements it: a synthetic row takes its numbers from the line between a row and
one of its nearest neighbours, and each category from the majority of the neighbours. Numbers are
divided by their standard deviations, or the one in the largest numbers would dominate distances.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.model.encoded_rows import N_PARTS, EncodedRows

N_NEIGHBOURS = 5
"""Nearest neighbours of each row, as in Chawla et al."""
MAX_ONES = 10_000
"""Most ones used in a part, drawn at random: the time to find neighbours grows with the square of
their number and is a second for this many. The real table has 6,300 per part."""


def make_ones(rows: EncodedRows, seed: int) -> EncodedRows:
    """Create as many rows with response 1 as are needed to balance the classes.

    A synthetic row belongs to the same part as the two rows it lies between. Its target statistics,
    which leave that part out, therefore contain neither of their responses; otherwise a network
    could recognise synthetic rows by them, and so the response.

    Args:
        rows: The training rows of one member and no others.
        seed: Seed of the draws.

    Returns:
        The synthetic rows; none if ones are the majority or no part has two of them. Their numbers
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
    from imblearn.over_sampling import SMOTENC  # slow import: a second

    if len(ones) > MAX_ONES:
        ones = np.random.default_rng(seed).choice(ones, MAX_ONES, replace=False)
    n_ones = len(ones)
    sampler = SMOTENC(
        list(range(n_codes)),
        sampling_strategy={1: n_ones + n_made},
        random_state=seed,
        k_neighbors=min(N_NEIGHBOURS, n_ones - 1),
    )
    # SMOTENC requires a second class but does not use it
    features, is_one = np.concatenate([ones, ones[:1]]), np.arange(n_ones + 1) < n_ones
    return np.asarray(sampler.fit_resample(features, is_one.astype(int))[0])[n_ones + 1 :]
