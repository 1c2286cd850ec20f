"""Percentile and decile of a probability within a book of any size, in constant memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

DROPPED_BITS = 9
"""Probabilities that differ only in their last 9 bits (6 parts in 100,000) share a percentile."""


class ProbabilityRanks:
    """Counts probabilities by their bits, which sort like the values for positive floats."""

    def __init__(self) -> None:
        n_bins = int(np.float32(1).view(np.uint32) >> DROPPED_BITS) + 1
        self._counts = np.zeros(n_bins, dtype=np.int64)  # 2 million bins, 17 MB
        self._cumulated: NDArray[np.int64] | None = None

    def add(self, probabilities: NDArray[np.float32]) -> None:
        """Count probabilities, shape (n,), within [0, 1]."""
        bins, counts = np.unique(_find_bins(probabilities), return_counts=True)
        self._counts[bins] += counts
        self._cumulated = None

    def find_percentiles(self, probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the per cent of the book whose probability is not higher: 100 is the best.

        Args:
            probabilities: Probabilities already counted, shape (n,).

        Returns:
            Percentiles in (0, 100], shape (n,); equal probabilities have the same one.
        """
        return np.asarray(100 * self._count_not_better(probabilities) / self.n_rows)

    def count_better(self, probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the number of policyholders in a higher bin of probability, shape (n,)."""
        return np.asarray(self.n_rows - self._count_not_better(probabilities))

    @property
    def n_rows(self) -> int:
        """Number of probabilities counted."""
        return int(self._counts.sum())

    def _count_not_better(self, probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
        if self._cumulated is None:
            self._cumulated = np.cumsum(self._counts)
        return np.asarray(self._cumulated[_find_bins(probabilities)])


def _find_bins(probabilities: NDArray[np.float32]) -> NDArray[np.uint32]:
    return probabilities.astype(np.float32).view(np.uint32) >> np.uint32(DROPPED_BITS)


def find_deciles(percentiles: NDArray[Any]) -> NDArray[np.int8]:
    """Return the tenth of the book, 1 (percentile above 90, the best) to 10, shape (n,)."""
    return (11 - np.ceil(percentiles / 10)).astype(np.int8)
