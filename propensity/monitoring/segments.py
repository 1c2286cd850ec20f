"""The response rate in each segment of the book, with its interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from propensity.ingest.contract import Contract
from propensity.ingest.contract_column import Column
from propensity.metrics.binning import cut_bands, find_starts
from propensity.metrics.intervals import Interval, find_share_interval
from propensity.monitoring.profile import SAID_YES, Profile, ValueCounts

MAX_SEGMENTS = 8
"""If a category has more values, the rarest are merged into one segment."""


@dataclass(frozen=True)
class Segment:
    """Policyholders with the same value of a feature, or within one band of it.

    Args:
        name: The value, or the range of the band.
        n_rows: Number of policyholders.
        n_labelled: Number of them whose response is known.
        n_positive: Number of them that said yes.
    """

    name: str
    n_rows: int
    n_labelled: int
    n_positive: int

    @property
    def prevalence(self) -> float | None:
        """Share of ones among labelled policyholders; None if there are none."""
        return self.n_positive / self.n_labelled if self.n_labelled else None

    @property
    def interval(self) -> Interval | None:
        """95 % interval of the prevalence."""
        return find_share_interval(self.n_positive, self.n_labelled) if self.n_labelled else None


@dataclass(frozen=True)
class FeatureSegments:
    """A feature and its segments, largest first, or in the order that the contract declares."""

    feature: Column
    segments: tuple[Segment, ...]


def find_segments(counts: Profile, contract: Contract) -> tuple[FeatureSegments, ...]:
    """Cut the book into segments, feature by feature.

    Args:
        counts: Counts of the night.
        contract: Declares the features.

    Returns:
        Each feature of the contract; numbers in at most eight bands of about equal size.
    """
    by_name = {c.name: c for c in counts.features}
    return tuple(_cut(column, by_name[column.name]) for column in contract.features)


def _cut(column: Column, counts: ValueCounts) -> FeatureSegments:
    cut = _cut_number if counts.is_number else _cut_category
    return FeatureSegments(column, cut(column, counts))


def _cut_category(column: Column, counts: ValueCounts) -> tuple[Segment, ...]:
    order, domain = list(range(len(counts.values))), column.domain
    if domain is not None:  # as declared; blank last
        order.sort(key=lambda i: domain.index(v) if (v := counts.values[i]) in domain else 999)
    n_shown = len(order) if len(order) <= MAX_SEGMENTS else MAX_SEGMENTS - 1
    shown = [_make(_name(counts.values[i]), counts.n[i]) for i in order[:n_shown]]
    others = order[n_shown:]
    return (*shown, *([_make(f"{len(others)} others", counts.n[others].sum(axis=0))] * any(others)))


def _name(value: object) -> str:
    return "blank" if value is None else str(value)


def _cut_number(column: Column, counts: ValueCounts) -> tuple[Segment, ...]:
    places = find_starts(cut_bands(counts.n_all, MAX_SEGMENTS))
    starts = np.array(counts.values, dtype=np.float64)[places].tolist()
    bands = zip(starts, [*starts[1:], None], np.add.reduceat(counts.n, places), strict=True)
    is_whole = column.dtype != "float64"
    return tuple(_make(_name_band(s, e, is_whole=is_whole), n) for s, e, n in bands)


def _name_band(start: float, end: float | None, *, is_whole: bool) -> str:
    if end is None:
        return f"{start:,.10g} or more"
    if not is_whole:
        return f"{start:,.10g} to < {end:,.10g}"
    return f"{start:,.10g}" if end == start + 1 else f"{start:,.10g} to {end - 1:,.10g}"


def _make(name: str, n: NDArray[np.int64]) -> Segment:
    unknown, said_no, said_yes = n.tolist()
    return Segment(name, unknown + said_no + said_yes, said_no + said_yes, int(n[SAID_YES]))
