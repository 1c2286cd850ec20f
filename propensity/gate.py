"""May the candidate replace the champion, and why: one decision, one sentence."""

from dataclasses import dataclass, replace
from typing import Literal

from propensity.evaluation import Baseline, Evaluation, Interval
from propensity.recalibration import AS_THEY_ARE, Recalibration
from propensity.registry import ModelVersion

Outcome = Literal["promoted", "kept_champion", "rejected"]


@dataclass(frozen=True)
class Contender:
    """A model version and its quality on tonight's labelled rows, recalibrated where that helps."""

    version: ModelVersion
    evaluation: Evaluation
    recalibration: Recalibration = AS_THEY_ARE


@dataclass(frozen=True)
class Contest:
    """What the gate looks at, all on the same rows.

    Args:
        candidate: Tonight's model.
        baselines: Ways to decide without a model.
        champion: The model promoted last; None when there is none to judge.
        no_champion_reason: Why there is none.
        champion_name: Name of the version promoted last, also of one that cannot be judged.
        difference: Paired bootstrap interval of F1(candidate) - F1(champion).
    """

    candidate: Contender
    baselines: tuple[Baseline, ...]
    champion: Contender | None = None
    no_champion_reason: str = "there is no champion yet"
    difference: Interval | None = None
    champion_name: str | None = None


@dataclass(frozen=True)
class Decision:
    """The outcome, the reason in one sentence, and who scores tonight's book (None: nobody may)."""

    outcome: Outcome
    reason: str
    serving: Contender | None


def decide(contest: Contest, margin: float) -> Decision:
    """Decide whether the candidate is promoted.

    It must beat every baseline: the lower end of its F1 interval above theirs. Against a champion
    its F1 must be higher by `margin`, and the paired interval of the difference must lie above 0.
    A candidate that loses leaves the champion to serve; without a champion nothing may serve.

    Args:
        contest: Candidate, champion and baselines on the same rows.
        margin: F1 by which the candidate must beat the champion.
    """
    candidate, champion = contest.candidate, contest.champion
    quality, strongest = candidate.evaluation, max(contest.baselines, key=lambda b: b.f1)
    lost = Decision("kept_champion" if champion else "rejected", "", champion)
    own = f"F1 {quality.f1:.4f} ({quality.f1_interval:.4f})"
    rival = f"the baseline {strongest.description!r} ({strongest.f1:.4f})"
    if quality.f1_interval.low <= strongest.f1:
        return replace(lost, reason=f"{own} does not clearly beat {rival}.")
    if champion is None or contest.difference is None:
        reason = f"{own} beats {rival} and {contest.no_champion_reason}."
        return Decision("promoted", reason, candidate)
    difference = quality.f1 - champion.evaluation.f1
    against = (
        f"{own} against {champion.evaluation.f1:.4f} of champion {champion.version.name}: "
        f"difference {difference:+.4f} ({contest.difference:+.4f})"
    )
    if difference <= margin or contest.difference.low <= 0:
        return replace(lost, reason=f"{against} is not clearly above the margin of {margin:.4f}.")
    return Decision("promoted", f"{against} is above the margin of {margin:.4f}.", candidate)
