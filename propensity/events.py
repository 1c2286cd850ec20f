"""What happens to a night, as events that others may listen to: names, and what each one carries.

propensity/reference/events.py makes docs/events.md from these records.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class NightEvent:
    """Something that happened to the night of a date."""

    name: ClassVar[str]
    as_of: dt.date

    @property
    def resource_id(self) -> str:
        """What it is about."""
        return f"propensity.night.{self.as_of}"

    @property
    def payload(self) -> dict[str, Any]:
        """All fields, as JSON knows them."""
        return {name: _simplify(value) for name, value in dataclasses.asdict(self).items()}


@dataclass(frozen=True)
class NightPublished(NightEvent):
    """The scores of the night are in the warehouse, audited.

    Args:
        as_of: date the night stands for
        run_id: number of the run in the warehouse
        run_name: name of the run in files
        n_policyholders: how many were scored
        n_rejected: rows that broke the contract
        model_version: which version scored them
        f1: cross-fitted F1 of these scores
        f1_low: lower end of its 95 % interval
        f1_high: upper end of its 95 % interval
        is_current: false for a night of the past: it is stored, and readers keep the newer one
    """

    name = "propensity.night.published"
    run_id: int
    run_name: str
    n_policyholders: int
    n_rejected: int
    model_version: str
    f1: float
    f1_low: float
    f1_high: float
    is_current: bool


@dataclass(frozen=True)
class ModelNotPromoted(NightEvent):
    """Tonight's candidate lost: the champion goes on, or nobody may score.

    Args:
        as_of: date the night stands for
        model_version: the candidate
        outcome: kept_champion, or rejected where there is no champion either: then the night fails
        reason: one sentence with the numbers
    """

    name = "propensity.model.not-promoted"
    model_version: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class F1Dropped(NightEvent):
    """F1 fell by more than the promotion margin since the last published night, and not by chance.

    Not by chance: the F1 of last night lies above tonight's 95 % interval. F1 values of books with
    different prevalence do not compare: look at both prevalences first.

    Args:
        as_of: date the night stands for
        run_name: name of the run
        last_as_of: date of the night readers saw before
        f1: cross-fitted F1 of tonight's scores
        f1_low: lower end of its 95 % interval
        f1_high: upper end of its 95 % interval
        last_f1: cross-fitted F1 of last night's scores
        prevalence: share of ones among tonight's known responses
        last_prevalence: the same of last night
        margin: PROPENSITY_PROMOTION_MARGIN
    """

    name = "propensity.night.f1-dropped"
    run_name: str
    last_as_of: dt.date
    f1: float
    f1_low: float
    f1_high: float
    last_f1: float
    prevalence: float
    last_prevalence: float
    margin: float


@dataclass(frozen=True)
class NightDrifted(NightEvent):
    """The book, or the scores, moved far since the last published night.

    At least one column has a population stability index of 0.25 or more, the customary mark of a
    large shift (Siddiqi 2006, Credit Risk Scorecards, ch. 8). It compares with last night only: a
    slow drift does not show here, but in the history of the report. Scores are compared only where
    the same model version gave them: on the night of a promotion or a rollback they differ anyway.

    Args:
        as_of: date the night stands for
        run_name: name of the run
        last_as_of: date of the night readers saw before
        columns: which columns, the furthest first; `probability` is the score
        stability_indices: of those columns, in the same order
        threshold: from which index on a column counts
    """

    name = "propensity.night.drifted"
    run_name: str
    last_as_of: dt.date
    columns: tuple[str, ...]
    stability_indices: tuple[float, ...]
    threshold: float


@dataclass(frozen=True)
class NightLate(NightEvent):
    """The deadline has passed and readers do not see the night; the watchdog says so.

    Args:
        as_of: date the night should stand for
        deadline: until when it should have been published
        readers_as_of: date of the night that readers see; null before the first
        reason: what the warehouse knows of the attempts at this date
    """

    name = "propensity.night.late"
    deadline: dt.datetime
    readers_as_of: dt.date | None
    reason: str


def _simplify(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
