"""The facts of a night: one record, made once, before anything is drawn or published.

The warehouse takes its gains from it, the alerts its drift, and pages and cards everything they
show. A stage of its own makes it, in one pass over the score parts and in flat memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.comparison.records import Comparison, find_comparison
from propensity.evaluation.records import Contender, Contest, Decision
from propensity.ingest.book import CuratedBook
from propensity.ingest.quarantine import Rejection, sum_up_rejected
from propensity.metrics.catalog import CALIBRATION_ERROR
from propensity.monitoring.curves import (
    Called,
    CurvePoint,
    CurveTally,
    ReliabilityBin,
    share_by_probability,
)
from propensity.monitoring.drift import ColumnDrift, compare_nights, compare_unlabelled
from propensity.monitoring.profile import Profile, ProfileTally, profile_features
from propensity.monitoring.segments import FeatureSegments, find_segments
from propensity.runtime.book_facts import BookFacts, describe_book
from propensity.runtime.night import OpenNight
from propensity.scoring.gains import Gain, GainTally, count_callable
from propensity.scoring.records import ScoredBook
from propensity.storage.tallies import tally_parts
from propensity.storage.workspace import Workspace
from propensity.warehouse.nights import LastNight

NOTABLE_GAP = 0.005
"""Mean gap between probability and outcome that an operator should know of."""
NOTABLE_UNSEEN_SHARE = 0.01
"""Of those to be scored, with values nobody who answered has; a few there are every night."""


@dataclass(frozen=True, eq=False)
class NightFacts:
    """One night.

    Args:
        book: Run, date, contract, counts and class balance.
        contest: Who was judged.
        decision: What came of it.
        serving: Who scored the book.
        scores: How many were scored, are leads, are the control group.
        segments: Share of yes by feature.
        curve: Precision and recall over the labelled, by rising recall.
        called: The same at the decision thresholds.
        reliability: What the model said and what happened, by falling probability.
        gains: What to expect from the best 1 to 100 per cent of the leads; empty without leads.
        calls: What to expect from the calls that can be made; None without leads.
        score_shares: Share of the book in 50 bins of probability, shape (50,).
        last_score_shares: The same of last night.
        last_night: Whom tonight is compared with; None: this is the first night.
        since_last_night: How far each column moved; empty without counts of last night. The
            probability is not among them where another version scored last night.
        not_answered: How those to be scored differ from those learnt from.
        rejections: What was wrong with rejected rows.
        comparison: Of the strategies, the newest there is.
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
    score_shares: NDArray[np.float64]
    last_score_shares: NDArray[np.float64] | None
    last_night: LastNight | None
    since_last_night: tuple[ColumnDrift, ...]
    not_answered: tuple[ColumnDrift, ...]
    rejections: tuple[Rejection, ...]
    comparison: Comparison | None

    @property
    def model_before(self) -> str | None:
        """The version that scored last night, where tonight another one did."""
        before = self.last_night.model_version if self.last_night else None
        return None if before == self.serving.version.name else before

    @property
    def shifted(self) -> tuple[ColumnDrift, ...]:
        """Columns that moved notably since last night."""
        return tuple(d for d in self.since_last_night if d.strength != "small")

    @property
    def differing(self) -> tuple[ColumnDrift, ...]:
        """Columns in which those to be scored are notably unlike those learnt from."""
        return tuple(d for d in self.not_answered if d.strength != "small")

    @property
    def unseen(self) -> tuple[ColumnDrift, ...]:
        """Columns in which many of those to be scored have values nobody who answered has."""
        n_notable = NOTABLE_UNSEEN_SHARE * self.book.n_unlabelled
        return tuple(d for d in self.not_answered if d.n_unseen_rows > n_notable)

    @property
    def is_miscalibrated(self) -> bool:
        """Whether probabilities are off by more than chance and by more than matters."""
        few = self.n_agreeing < 0.8 * len(self.reliability)
        return few and self.serving.evaluation[CALIBRATION_ERROR] > NOTABLE_GAP

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is worth a look."""
        return not (self.shifted or self.differing or self.unseen or self.is_miscalibrated)

    @property
    def n_agreeing(self) -> int:
        """Reliability bins whose interval holds what the model said."""
        return sum(b.agrees for b in self.reliability)

    @property
    def extremes(self) -> tuple[Any, Any]:
        """Feature and segment with the lowest and with the highest prevalence, where it is sure.

        Only segments that hold at least a hundredth of the labelled count.
        """
        enough = self.book.balance.n_labelled / 100
        found = [
            (s.prevalence, f.feature.name, s)
            for f in self.segments
            for s in f.segments
            if s.prevalence is not None and s.n_labelled >= enough
        ]
        return min(found, key=lambda f: f[0]), max(found, key=lambda f: f[0])


@dataclass(frozen=True, eq=False)
class Circumstances:
    """What the warehouse and the settings contribute to the facts of a night.

    Args:
        suppressed: Ids of the policyholders who may not be called, shape (n,).
        n_calls: Calls that can be made (PROPENSITY_CALL_CAPACITY).
        last_night: The night to compare with; None before the second night.
    """

    suppressed: NDArray[np.int64]
    n_calls: int
    last_night: LastNight | None


def describe_night(
    night: OpenNight,
    book: CuratedBook,
    contest: Contest,
    decision: Decision,
    scores: ScoredBook,
    given: Circumstances,
) -> NightFacts:
    """Collect the facts of a scored night, and keep the profile that the next one compares with.

    Args:
        night: The run under way.
        book: What was ingested.
        contest: The contenders.
        decision: The outcome, with a version that serves.
        scores: Parts, best first.
        given: What the warehouse and the settings contribute.
    """
    workspace, run_name = night.workspace, night.run.run_name
    serving = decision.serving or contest.candidate
    probability = ProfileTally({"probability": True})
    curves = CurveTally(book.n_labelled, book.n_positive)
    calls = GainTally(count_callable(scores, given.suppressed), given.suppressed, given.n_calls)
    tally_parts(scores.parts, probability, curves, calls)
    profile = Profile(profile_features(book, night.contract), probability.counts[0])
    profile.save(workspace.profile(run_name))
    last = _load_last_profile(workspace, given.last_night)
    same = given.last_night is not None and given.last_night.model_version == serving.version.name
    return NightFacts(
        book=describe_book(book, night.contract, run_name, night.config.as_of),
        contest=contest,
        decision=decision,
        serving=serving,
        scores=scores,
        segments=find_segments(profile, night.contract),
        curve=curves.curve,
        called=curves.called,
        reliability=curves.reliability,
        gains=calls.gains,
        calls=calls.forecast,
        score_shares=share_by_probability(profile.probability),
        last_score_shares=share_by_probability(last.probability) if last else None,
        last_night=given.last_night,
        since_last_night=compare_nights(last, profile, by_same_model=same) if last else (),
        not_answered=compare_unlabelled(profile),
        rejections=sum_up_rejected(book),
        comparison=find_comparison(workspace.comparisons),
    )


def _load_last_profile(workspace: Workspace, last: LastNight | None) -> Profile | None:
    return Profile.load(workspace.profile(last.run_name)) if last else None
