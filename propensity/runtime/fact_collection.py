"""Collect the facts of a scored night in one pass over its score parts, in flat memory."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from propensity.comparison.records import find_comparison
from propensity.evaluation.records import Contender, Contest, Decision
from propensity.ingest.book import CuratedBook
from propensity.ingest.rejections import sum_up_rejected
from propensity.monitoring.curves import CurveTally, share_by_probability
from propensity.monitoring.drift import ColumnDrift, compare_nights, compare_unlabelled
from propensity.monitoring.profile import Profile, ProfileTally, profile_features
from propensity.monitoring.segments import find_segments
from propensity.runtime.book_facts import describe_book
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from propensity.scoring.gains import GainTally, count_callable
from propensity.scoring.records import ScoredBook
from propensity.storage.tallies import tally_parts
from propensity.storage.workspace import Workspace
from propensity.warehouse.nights import LastNight
from propensity.warehouse.scores.audit import FingerprintTally

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Circumstances:
    """The facts that the warehouse and the settings contribute.

    Args:
        suppressed: Ids of the policyholders who must not be called, shape (n,).
        n_calls: Number of calls that can be made (PROPENSITY_CALL_CAPACITY).
        last_night: Night to compare with; None before the second night.
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
    """Collect the facts of a scored night, and store its profile for the next night.

    Args:
        night: The run in progress.
        book: The ingested book.
        contest: The models compared and their quality.
        decision: Outcome of the contest.
        scores: Parts of scores, best first.
        given: Facts from the warehouse and the settings.
    """
    workspace, run_name = night.workspace, night.run.run_name
    serving = decision.serving or contest.candidate
    probability = ProfileTally({"probability": True})
    curves = CurveTally(book.n_labelled, book.n_positive)
    calls = GainTally(count_callable(scores, given.suppressed), given.suppressed, given.n_calls)
    parts = FingerprintTally(scores)
    tally_parts(scores.parts, probability, curves, calls, parts)
    profile = Profile(profile_features(book, night.contract), probability.counts[0])
    _try("tonight's counts", lambda: profile.save(workspace.profile(run_name)), None)
    last = _try("last night's counts", lambda: _load_last(workspace, given, profile, serving), None)
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
        fingerprint=parts.fingerprint,
        score_shares=share_by_probability(profile.probability),
        last_score_shares=last.score_shares if last else None,
        last_night=given.last_night,
        since_last_night=last.drift if last else (),
        not_answered=compare_unlabelled(profile),
        rejections=_try("the rejected rows", lambda: sum_up_rejected(book), ()),
        comparison=_try("the comparison", lambda: find_comparison(workspace.comparisons), None),
    )


@dataclass(frozen=True, eq=False)
class _LastNight:
    score_shares: NDArray[np.float64]
    drift: tuple[ColumnDrift, ...]


def _load_last(
    workspace: Workspace, given: Circumstances, tonight: Profile, serving: Contender
) -> _LastNight | None:
    night = given.last_night
    last = Profile.load(workspace.profile(night.run_name)) if night else None
    if night is None or last is None:
        return None
    same = night.model_version == serving.version.name
    drift = compare_nights(last, tonight, by_same_model=same)
    return _LastNight(share_by_probability(last.probability), drift)


def _try(what: str, collect: Callable[[], T], nothing: T) -> T:
    """Collect a fact that only pages and alerts need: without it, scores are still published."""
    try:
        return collect()
    except Exception:  # whatever a damaged file raises: it is logged, and publishing goes on
        logger.warning("The pages will lack %s: a file is damaged or locked", what, exc_info=True)
        return nothing
