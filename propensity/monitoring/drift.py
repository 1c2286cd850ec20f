"""Drift between two books, or two parts of one: effect sizes, not p-values.

With a million policyholders every difference is significant; what matters is its size.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.binning import cut_bands, find_starts
from propensity.monitoring.profile import UNKNOWN, Profile, ValueCounts

NOTABLE, LARGE = 0.1, 0.25
"""Customary bands of the stability index (Siddiqi 2006, Credit Risk Scorecards, ch. 8)."""
N_BANDS = 10
LEAST_WIDTH = 0.01
"""Smallest band of probabilities: half of a book is closer together and shifts as one."""
MAX_VALUES = 20
"""Rarer values of a category count as one: many small cells would add up to a shift by chance."""
EMPTY_SHARE = 1e-4
"""Share assumed for an empty band, because the logarithm of 0 is infinite."""


@dataclass(frozen=True)
class ColumnDrift:
    """The drift of one column.

    Args:
        column: Name of the column.
        stability_index: Population stability index, see measure_stability; 0 means no shift.
        n_unseen_values: Number of values of a category that the reference does not have.
        n_unseen_rows: Number of policyholders with such a value.
    """

    column: str
    stability_index: float
    n_unseen_values: int
    n_unseen_rows: int

    @property
    def strength(self) -> Literal["small", "notable", "large"]:
        """The customary band of the stability index."""
        if self.stability_index < NOTABLE:
            return "small"
        return "notable" if self.stability_index < LARGE else "large"


def compare_nights(
    last: Profile, tonight: Profile, *, by_same_model: bool
) -> tuple[ColumnDrift, ...]:
    """Compare features and probability with last night, largest shift first.

    A feature that only one night has, or that changed its kind, is left out. So is the probability
    if another model gave it: two models may agree on the best policyholders and spread their scores
    differently (an index of 3.1 was seen while 1,900 of the best 2,000 stayed), which says nothing
    about the book.

    Args:
        last: Profile of last night.
        tonight: Profile of tonight.
        by_same_model: Whether the same model version scored both.
    """
    before = {(c.name, c.is_number): c for c in (*last.features, last.probability)}
    columns = (*tonight.features, tonight.probability) if by_same_model else tonight.features
    now = [c for c in columns if (c.name, c.is_number) in before]
    pairs = [(before[c.name, c.is_number], c) for c in now]
    return _sort(
        [_compare(was, is_, was.n_all, is_.n_all, _find_width(is_, tonight)) for was, is_ in pairs]
    )


def compare_unlabelled(tonight: Profile) -> tuple[ColumnDrift, ...]:
    """Compare unlabelled with labelled policyholders, largest difference first.

    Returns:
        Features and probability; empty if all responses are known, or none is.
    """
    every = (*tonight.features, tonight.probability)
    return _sort(
        [_compare(c, c, c.n_labelled, c.n[:, UNKNOWN], _find_width(c, tonight)) for c in every]
    )


def _find_width(column: ValueCounts, tonight: Profile) -> float:
    return LEAST_WIDTH if column is tonight.probability else 0.0


def _sort(found: list[ColumnDrift | None]) -> tuple[ColumnDrift, ...]:
    drifts = [drift for drift in found if drift is not None]
    return tuple(sorted(drifts, key=lambda d: d.stability_index, reverse=True))


def measure_stability(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Return the population stability index: sum of (q - p) ln(q / p) over bands.

    It is the symmetric divergence of Kullback and Leibler 1951, Annals 22, 79 (Jeffreys' J).

    Args:
        reference: Counts, shape (bands,), not all 0.
        current: Counts in the same bands, shape (bands,), not all 0.
    """
    p, q = (np.maximum(n / n.sum(), EMPTY_SHARE) for n in (reference, current))
    return float(np.sum((q - p) * np.log(q / p)))


def _compare(
    before: ValueCounts,
    after: ValueCounts,
    n_before: NDArray[np.int64],
    n_after: NDArray[np.int64],
    least_width: float,
) -> ColumnDrift | None:
    """Compare the counts of one column; None if one side is empty."""
    if not n_before.any() or not n_after.any():
        return None
    if after.is_number:
        first, second = _band_numbers(before, after, n_before, n_after, least_width)
        return ColumnDrift(after.name, measure_stability(first, second), 0, 0)
    had = {v for v, n in zip(before.values, n_before, strict=True) if n}
    unseen = [int(n) for v, n in zip(after.values, n_after, strict=True) if n and v not in had]
    first, second = _band_categories(before, after, n_before, n_after)
    return ColumnDrift(after.name, measure_stability(first, second), len(unseen), sum(unseen))


def _band_numbers(
    before: ValueCounts,
    after: ValueCounts,
    n_before: NDArray[np.int64],
    n_after: NDArray[np.int64],
    least_width: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut both at the deciles of the reference; values outside go to the first or last band."""
    held = n_before > 0
    lows = np.array(before.values, dtype=np.float64)[held]
    deciles = lows[find_starts(cut_bands(n_before[held], N_BANDS))]
    starts = [deciles[0]]
    starts += [d for d in deciles[1:] if d >= starts[-1] + least_width]
    values = np.array(after.values, dtype=np.float64)
    first, second = (
        np.maximum(np.searchsorted(starts, v, side="right") - 1, 0) for v in (lows, values)
    )
    return _sum(first, n_before[held], len(starts)), _sum(second, n_after, len(starts))


def _band_categories(
    before: ValueCounts, after: ValueCounts, n_before: NDArray[np.int64], n_after: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the most frequent values of the reference, and all others together."""
    frequent = [before.values[i] for i in np.argsort(-n_before, kind="stable")[:MAX_VALUES]]
    band = {value: i for i, value in enumerate(frequent)}
    sides = ((before, n_before), (after, n_after))
    bands = [np.array([band.get(v, len(band)) for v in c.values], dtype=np.int64) for c, _ in sides]
    first, second = (_sum(b, n, len(band) + 1) for b, (_, n) in zip(bands, sides, strict=True))
    used = (first + second) > 0
    return first[used], second[used]


def _sum(bands: NDArray[np.int64], n: NDArray[np.int64], n_bands: int) -> NDArray[np.int64]:
    return np.bincount(bands, weights=n, minlength=n_bands).astype(np.int64)
