"""Records of a contest: the models compared, their quality, and the decision."""

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
    """A model version and its quality on tonight's labelled rows, recalibrated if that helps.

    Args:
        version: Members and their location.
        evaluation: Quality of its cross-fitted scores.
        recalibration: Recalibration applied to the scores before the evaluation.
        deciles: Expected and actual buyers, best tenth first.
    """

    version: ModelVersion
    evaluation: Evaluation
    recalibration: Recalibration = AS_THEY_ARE
    deciles: tuple[Decile, ...] = ()


@dataclass(frozen=True)
class Contest:
    """The input of the gate, all measured on the same rows.

    Args:
        candidate: Tonight's model.
        baselines: Decision rules that need no model.
        champion: Model promoted last; None if no champion can be evaluated.
        no_champion_reason: Why there is no champion.
        champion_name: Name of the version promoted last, even if it cannot be evaluated.
        difference: Paired bootstrap interval of F1(candidate) - F1(champion).
        slices: Candidate, and champion if there is one, in each slice of the book.
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
    """The outcome, its reason in one sentence, and the model that scores tonight's book, if any."""

    outcome: Outcome
    reason: str
    serving: Contender | None
