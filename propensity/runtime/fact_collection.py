"""Collect the facts of a scored night in one pass over its score parts, in flat memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from propensity.comparison.records import find_comparison
from propensity.evaluation.records import Contest, Decision
from propensity.ingest.book import CuratedBook
from propensity.ingest.quarantine import sum_up_rejected
from propensity.monitoring.curves import CurveTally, share_by_probability
from propensity.monitoring.drift import compare_nights, compare_unlabelled
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
        fingerprint=parts.fingerprint,
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
