"""Target statistics: what share said yes among the training rows alike in two features.

Each pair of features is a table of cells, numbers cut into bins; a cell holds the smoothed log-odds
of a yes (Micci-Barreca 2001). What a training row is shown leaves its own response out, and those
of its part of the rows, or the network would read it there (as in scikit-learn's TargetEncoder).
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
"""Rows of the average prevalence added to each cell: the log-odds of a small one mean little."""
MAX_CELLS = 1_000_000
"""A pair with more is left out: its cells would hold hardly a row each, and fill the memory."""


@dataclass(frozen=True)
class Pairs:
    """The cells of every pair of features, one table after the other.

    Args:
        cuts: For each number, where its bins meet, increasing.
        sizes: For each feature, categories first, how many codes it has.
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
        """Where the table of each pair starts; the last one: where all end."""
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
    """Pair every feature with every other, as the encoder knows them."""
    return Pairs(encoder.cuts, encoder.sizes)


def fit_statistics(
    pairs: Pairs,
    cells: NDArray[np.int32],
    responses: NDArray[Any],
    part: NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Learn the statistic of each cell.

    Args:
        pairs: Where the table of each pair starts.
        cells: Of the training rows, shape (n, number of pairs).
        responses: Theirs, 0 or 1, shape (n,).
        part: Theirs, 0 to N_PARTS - 1, shape (n,).

    Returns:
        The statistic of every cell, for rows that were not learnt from, shape (number of cells,);
        and those of the training rows, shape (n, number of pairs), their own part left out, with
        mean 0 and standard deviation 1 in each pair.
    """
    ones = np.asarray(responses, dtype=np.float64)
    table = np.empty(pairs.starts[-1], dtype=np.float32)
    own = np.empty(cells.shape, dtype=np.float32)
    for pair, (start, stop) in enumerate(zip(pairs.starts[:-1], pairs.starts[1:], strict=True)):
        inside = cells[:, pair].astype(np.int64) - start
        n_rows, n_ones = _count(inside, part, ones, stop - start)
        everything = _smooth(n_rows.sum(axis=1), n_ones.sum(axis=1), ones.mean())
        others = _smooth(
            n_rows.sum(axis=1, keepdims=True) - n_rows,
            n_ones.sum(axis=1, keepdims=True) - n_ones,
            ones.mean(),
        )[inside, part]
        center, scale = others.mean(), others.std() + 1e-6
        table[start:stop] = (everything - center) / scale
        own[:, pair] = (others - center) / scale
    return table, own


def _count(
    cells: NDArray[np.int64], part: NDArray[np.int64], ones: NDArray[np.float64], n_cells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and ones of each cell and part, both of shape (n_cells, N_PARTS)."""
    where, n = cells * N_PARTS + part, n_cells * N_PARTS
    counted = np.bincount(where, minlength=n), np.bincount(where, weights=ones, minlength=n)
    rows, positive = (c.reshape(n_cells, N_PARTS).astype(np.float64) for c in counted)
    return rows, positive


def _smooth(
    n_rows: NDArray[np.float64], n_ones: NDArray[np.float64], prevalence: float
) -> NDArray[np.float64]:
    share = (n_ones + PRIOR_ROWS * prevalence) / (n_rows + PRIOR_ROWS)
    return np.asarray(logit(share), dtype=np.float64)
