"""Quality of the scores in parts of the book, because an average can hide a collapse in one."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from propensity.evaluation.slice_counts import SliceCounts, count_slices
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract
from propensity.metrics.classification import (
    compare_f1_of_kinds,
    compare_net_benefit,
    find_net_benefit_gain,
)
from propensity.metrics.intervals import Interval

ERROR_RATE = 0.05
"""Error rate over all slices of a night; equal candidates are rejected less often, see ADR 7."""


@dataclass(frozen=True)
class Slice:
    """The labelled policyholders with one value of a feature, or within one band of it.

    Args:
        name: Name, such as "Region_Code = 28" or "Age 31 to 44".
        n_rows: Number of policyholders.
        n_positive: Number that said yes.
        expected_buyers: Sum of the candidate's probabilities.
        f1: F1 of the candidate at tonight's thresholds.
        f1_interval: 95 % interval of that F1.
        champion_f1: F1 of the champion on the same policyholders; None without a champion.
        gain: Net benefit of the candidate minus the champion's, as a share of the slice's ones.
        gain_interval: Paired interval of the gain, at the level of find_level.
    """

    name: str
    n_rows: int
    n_positive: int
    expected_buyers: float
    f1: float
    f1_interval: Interval
    champion_f1: float | None = None
    gain: float | None = None
    gain_interval: Interval | None = None

    @property
    def prevalence(self) -> float:
        """Share of ones; F1 is comparable only between slices of equal prevalence."""
        return self.n_positive / self.n_rows

    def collapses(self, tolerance: float) -> bool:
        """Return whether the candidate is worse here by more than the tolerance, beyond chance.

        It uses net benefit, not F1: where hardly anybody says yes, a better model rightly calls
        nobody, and its F1 is 0.

        Args:
            tolerance: Net benefit the candidate may lose, as a share of the slice's ones.
        """
        if self.gain is None or self.gain_interval is None:
            return False
        return self.gain < -tolerance and self.gain_interval.high < 0


def find_level(n_slices: int) -> float:
    """Return the level of each interval at which all hold together in 95 % (Bonferroni)."""
    return 1 - ERROR_RATE / max(n_slices, 1)


def measure_slices(
    book: CuratedBook,
    contract: Contract,
    scored: pd.DataFrame,
    predicted: NDArray[np.int8],
    champion_predicted: NDArray[np.int8] | None,
    *,
    seed: int,
) -> tuple[Slice, ...]:
    """Measure the candidate, and the champion if there is one, in every slice that is large enough.

    Args:
        book: Book whose labelled rows were scored.
        contract: Declares the features.
        scored: Columns response and probability, in the order of the book.
        predicted: Decisions of the candidate, shape (n,).
        champion_predicted: Decisions of the champion, shape (n,).
        seed: Seed of the bootstrap.
    """
    kinds = 4 * scored["response"].to_numpy() + 2 * predicted
    if champion_predicted is not None:
        kinds = kinds + champion_predicted
    counted = count_slices(book, contract, kinds, scored["probability"].to_numpy())
    slices = tuple(_measure(t, seed, has_champion=champion_predicted is not None) for t in counted)
    if champion_predicted is None:
        return slices
    pays, level = _find_paying(kinds), find_level(len(counted))
    return tuple(_compare(*pair, pays, level, seed) for pair in zip(slices, counted, strict=True))


def _find_paying(kinds: NDArray[Any]) -> float:
    """Return the probability above which a call raises F1: half of the candidate's F1."""
    return _find_f1(np.bincount(kinds, minlength=8).reshape(2, 2, 2).sum(axis=2)) / 2


def _measure(counts: SliceCounts, seed: int, *, has_champion: bool) -> Slice:
    n = counts.kinds.reshape(2, 2, 2)  # by response, candidate, champion
    of_candidate, of_champion = n.sum(axis=2), n.sum(axis=1)
    # A model that calls nobody has F1 0, so the difference from it is the F1 itself.
    alone = np.stack([of_candidate, np.zeros_like(of_candidate)], axis=2).ravel()
    return Slice(
        name=counts.name,
        n_rows=int(n.sum()),
        n_positive=int(n[1].sum()),
        expected_buyers=counts.expected_buyers,
        f1=_find_f1(of_candidate),
        f1_interval=compare_f1_of_kinds(alone, seed=seed),
        champion_f1=_find_f1(of_champion) if has_champion else None,
    )


def _compare(found: Slice, counts: SliceCounts, pays: float, level: float, seed: int) -> Slice:
    gain = float(find_net_benefit_gain(counts.kinds, pays))
    interval = compare_net_benefit(counts.kinds, pays, seed=seed, level=level)
    return replace(found, gain=gain, gain_interval=interval)


def _find_f1(n: NDArray[np.int64]) -> float:
    """Return F1 from policyholders counted by response and decision, shape (2, 2)."""
    return 2 * int(n[1, 1]) / int(n[1].sum() + n[:, 1].sum())
