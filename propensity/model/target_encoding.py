"""Target statistics: the share that said yes among training rows with two features in common.

Each pair of features has a table of cells, with numbers cut into bins; a cell contains the smoothed
log-odds of a yes (Micci-Barreca 2001). The statistics of a training row leave out the responses of
its part, including its own, which they would reveal (as in scikit-learn's TargetEncoder).
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from propensity.model.encoded_rows import N_PARTS
from propensity.model.encoder import Encoder, bin_numbers

PRIOR_ROWS = 20
"""Rows of average prevalence added to each cell, because log-odds of few rows mean little."""
MAX_CELLS = 1_000_000
"""A pair with more cells is left out: they would be almost empty and fill the memory."""


@dataclass(frozen=True)
class Pairs:
    """The cells of every pair of features, one table after the other.

    Args:
        cuts: Inner edges of the bins of each number, increasing.
        sizes: Number of codes or bins of each feature, categories first.
    """

    cuts: list[list[float]]
    sizes: list[int]

    @property
    def members(self) -> list[tuple[int, int]]:
        """Indices of the two features of each pair that is not too large."""
        pairs = combinations(range(len(self.sizes)), 2)
        return [(a, b) for a, b in pairs if self.sizes[a] * self.sizes[b] <= MAX_CELLS]

    @property
    def starts(self) -> list[int]:
        """Start of each pair's table, and the end of the last one."""
        n_cells = [self.sizes[a] * self.sizes[b] for a, b in self.members]
        return [int(start) for start in np.cumsum([0, *n_cells])]

    def find_cells(
        self, codes: NDArray[np.int32], numbers: NDArray[np.float32]
    ) -> NDArray[np.int32]:
        """Return the cell of each row in each pair, shape (n, number of pairs)."""
        all_codes = bin_numbers(codes, numbers, self.cuts)
        cells = np.empty((len(codes), len(self.members)), dtype=np.int32)
        for pair, ((a, b), start) in enumerate(zip(self.members, self.starts, strict=False)):
            cells[:, pair] = all_codes[:, a] * self.sizes[b] + all_codes[:, b] + start
        return cells


def pair_features(encoder: Encoder) -> Pairs:
    """Pair every feature of an encoder with every other."""
    return Pairs(encoder.cuts, encoder.sizes)


def fit_statistics(
    pairs: Pairs,
    cells: NDArray[np.int32],
    responses: NDArray[Any],
    part: NDArray[np.int64],
    n_made: int = 0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit the statistic of each cell.

    Args:
        pairs: The pairs of features.
        cells: Cells of the training rows, shape (n, number of pairs).
        responses: Responses of the training rows, 0 or 1, shape (n,).
        part: Parts of the training rows, 0 to N_PARTS - 1, shape (n,).
        n_made: Number of synthetic rows, which come last: they get statistics like the others but
            do not contribute to any, because nobody gave their response.

    Returns:
        The statistic of every cell, for rows other than training rows, shape (number of cells,);
        and those of the training rows without their own part, shape (n, number of pairs), with
        mean 0 and standard deviation 1 in each pair.
    """
    real = slice(len(cells) - n_made)
    ones = np.asarray(responses[real], dtype=np.float64)
    table = np.empty(pairs.starts[-1], dtype=np.float32)
    own = np.empty(cells.shape, dtype=np.float32)
    for pair, (start, stop) in enumerate(zip(pairs.starts[:-1], pairs.starts[1:], strict=True)):
        inside = cells[:, pair].astype(np.int64) - start
        n_rows, n_ones = _count(inside[real], part[real], ones, stop - start)
        everything = _smooth(n_rows.sum(axis=1), n_ones.sum(axis=1), ones.mean())
        others = _smooth(
            n_rows.sum(axis=1, keepdims=True) - n_rows,
            n_ones.sum(axis=1, keepdims=True) - n_ones,
            ones.mean(),
        )[inside, part]
        center, scale = others[real].mean(), others[real].std() + 1e-6
        table[start:stop] = (everything - center) / scale
        own[:, pair] = (others - center) / scale
    return table, own


def _count(
    cells: NDArray[np.int64], part: NDArray[np.int64], ones: NDArray[np.float64], n_cells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the rows and ones of each cell and part, both of shape (n_cells, N_PARTS)."""
    where, n = cells * N_PARTS + part, n_cells * N_PARTS
    counted = np.bincount(where, minlength=n), np.bincount(where, weights=ones, minlength=n)
    rows, positive = (c.reshape(n_cells, N_PARTS).astype(np.float64) for c in counted)
    return rows, positive


def _smooth(
    n_rows: NDArray[np.float64], n_ones: NDArray[np.float64], prevalence: float
) -> NDArray[np.float64]:
    share = (n_ones + PRIOR_ROWS * prevalence) / (n_rows + PRIOR_ROWS)
    return np.asarray(logit(share), dtype=np.float64)
