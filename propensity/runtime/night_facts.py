"""The facts of a night: one record, created once, before anything is drawn or published.

The warehouse reads its gains, the alerts its drift, and pages and cards everything they show. A
separate stage creates it in one pass over the score parts, in constant memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.comparison.records import Comparison
from propensity.evaluation.records import Contender, Contest, Decision
from propensity.ingest.quarantine import Rejection
from propensity.metrics.catalog import CALIBRATION_ERROR
from propensity.monitoring.curves import Called, CurvePoint, ReliabilityBin
from propensity.monitoring.drift import ColumnDrift
from propensity.monitoring.segments import FeatureSegments
from propensity.runtime.book_facts import BookFacts
from propensity.scoring.gains import Gain
from propensity.scoring.records import ScoredBook
from propensity.warehouse.nights import LastNight
from propensity.warehouse.publication import ScoredNight
from propensity.warehouse.scores.audit import Fingerprint

NOTABLE_GAP = 0.005
"""Mean gap between probability and outcome that an operator should know about."""
NOTABLE_UNSEEN_SHARE = 0.01
"""Share of unlabelled rows with values never seen among labelled rows; a few occur every night."""


@dataclass(frozen=True, eq=False)
class NightFacts:
    """The facts of one night.

    Args:
        book: Run, date, contract, counts and class balance.
        contest: The models compared and their quality.
        decision: Outcome of the contest.
        serving: Model that scored the book.
        scores: Parts of scores, with the numbers of rows, leads and control group members.
        segments: Response rate by feature.
        curve: Precision and recall over the labelled rows, by increasing recall.
        called: Precision and recall at the decision thresholds.
        reliability: Predicted and observed response rates, by decreasing probability.
        gains: Expected gain from the best 1 to 100 per cent of the leads; empty without leads.
        calls: Expected gain from the calls that can be made; None without leads.
        fingerprint: Fingerprint of the score parts, which the audit compares with the table.
        score_shares: Share of the book in each of 50 bins of probability, shape (50,).
        last_score_shares: The same for last night.
        last_night: Night that tonight is compared with; None for the first night.
        since_last_night: Drift of each column; empty without counts of last night. It leaves out
            the probability if another version scored last night.
        not_answered: Differences between unlabelled and labelled policyholders.
        rejections: Summary of the rejected rows.
        comparison: The newest comparison of strategies.
    """

    book: BookFacts
    contest: Contest
    decision: Decision
    serving: Contender
    scores: ScoredBook
    segments: tuple[FeatureSegments, ...]
    curve: tuple[CurvePoint, ...]
    called: Called
    reliability: tuple[ReliabilityBin, ...]
    gains: list[Gain]
    calls: Gain | None
    fingerprint: Fingerprint
    score_shares: NDArray[np.float64]
    last_score_shares: NDArray[np.float64] | None
    last_night: LastNight | None
    since_last_night: tuple[ColumnDrift, ...]
    not_answered: tuple[ColumnDrift, ...]
    rejections: tuple[Rejection, ...]
    comparison: Comparison | None

    @property
    def to_publish(self) -> ScoredNight:
        """What the warehouse takes from the facts."""
        book = self.book.book
        return ScoredNight(book, self.scores, self.serving, self.gains, self.fingerprint)

    @property
    def model_before(self) -> str | None:
        """The version that scored last night, if a different one scored tonight."""
        before = self.last_night.model_version if self.last_night else None
        return None if before == self.serving.version.name else before

    @property
    def shifted(self) -> tuple[ColumnDrift, ...]:
        """Columns that shifted notably since last night."""
        return tuple(d for d in self.since_last_night if d.strength != "small")

    @property
    def differing(self) -> tuple[ColumnDrift, ...]:
        """Columns in which unlabelled policyholders differ notably from labelled ones."""
        return tuple(d for d in self.not_answered if d.strength != "small")

    @property
    def unseen(self) -> tuple[ColumnDrift, ...]:
        """Columns in which many unlabelled policyholders have values that no labelled one has."""
        n_notable = NOTABLE_UNSEEN_SHARE * self.book.n_unlabelled
        return tuple(d for d in self.not_answered if d.n_unseen_rows > n_notable)

    @property
    def is_miscalibrated(self) -> bool:
        """Whether probabilities are off by more than chance and by enough to matter."""
        few = self.n_agreeing < 0.8 * len(self.reliability)
        return few and self.serving.evaluation[CALIBRATION_ERROR] > NOTABLE_GAP

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to check."""
        return not (self.shifted or self.differing or self.unseen or self.is_miscalibrated)

    @property
    def n_agreeing(self) -> int:
        """Number of reliability bins whose interval contains the mean probability."""
        return sum(b.agrees for b in self.reliability)

    @property
    def extremes(self) -> tuple[Any, Any]:
        """Features and segments with the lowest and the highest known prevalence.

        Only segments with at least a hundredth of the labelled rows count.
        """
        enough = self.book.balance.n_labelled / 100
        found = [
            (s.prevalence, f.feature.name, s)
            for f in self.segments
            for s in f.segments
            if s.prevalence is not None and s.n_labelled >= enough
        ]
        return min(found, key=lambda f: f[0]), max(found, key=lambda f: f[0])
