"""Records of a contest: who was judged, how well, and what was decided."""

from dataclasses import dataclass
from typing import Literal

from propensity.evaluation.deciles import Decile
from propensity.evaluation.recalibration import AS_THEY_ARE, Recalibration
from propensity.evaluation.slices import Slice
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Baseline, Evaluation
from propensity.model.store import ModelVersion

Outcome = Literal["promoted", "kept_champion", "rejected"]


@dataclass(frozen=True)
class Contender:
    """A model version and its quality on tonight's labelled rows, recalibrated where that helps.

    Args:
        version: Members and where they are.
        evaluation: Of its cross-fitted scores.
        recalibration: What was done to them first.
        deciles: Buyers to expect and buyers there were, the best tenth first.
    """

    version: ModelVersion
    evaluation: Evaluation
    recalibration: Recalibration = AS_THEY_ARE
    deciles: tuple[Decile, ...] = ()


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
        slices: Candidate, and champion if there is one, in each part of the book.
    """

    candidate: Contender
    baselines: tuple[Baseline, ...]
    champion: Contender | None = None
    no_champion_reason: str = "there is no champion yet"
    difference: Interval | None = None
    champion_name: str | None = None
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True)
class Decision:
    """The outcome, the reason in one sentence, and who scores tonight's book (None: nobody may)."""

    outcome: Outcome
    reason: str
    serving: Contender | None
