"""Events of a night that other systems can subscribe to, with their payloads.

propensity/reference/events.py generates docs/events.md from these records.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class NightEvent:
    """Base of the events of a night."""

    name: ClassVar[str]
    as_of: dt.date

    @property
    def resource_id(self) -> str:
        """Id of the Prefect resource that the event concerns."""
        return f"propensity.night.{self.as_of}"

    @property
    def payload(self) -> dict[str, Any]:
        """All fields, as values that JSON supports."""
        return {name: _simplify(value) for name, value in dataclasses.asdict(self).items()}


@dataclass(frozen=True)
class NightPublished(NightEvent):
    """The scores of the night passed the audit and are in the warehouse.

    Args:
        as_of: date of the night
        run_id: number of the run in the warehouse
        run_name: name of the run in files
        n_policyholders: number of policyholders scored
        n_rejected: number of rows that broke the contract
        model_version: version of the model that scored them
        f1: cross-fitted F1 of these scores
        f1_low: lower end of its 95 % interval
        f1_high: upper end of its 95 % interval
        is_current: false for a night older than the published one: readers keep the newer night
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
    """The candidate was not promoted: the champion stays, or no model may score.

    Args:
        as_of: date of the night
        model_version: version of the candidate
        outcome: kept_champion; rejected if there is no champion either, and the night fails
        reason: one sentence with the figures
    """

    name = "propensity.model.not-promoted"
    model_version: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class F1Dropped(NightEvent):
    """F1 fell by more than the promotion margin since the last published night, and not by chance.

    Not by chance means that last night's F1 lies above tonight's 95 % interval. F1 values are not
    comparable between books of different prevalence: check both prevalences first.

    Args:
        as_of: date of the night
        run_name: name of the run
        last_as_of: date of the night that readers saw before
        f1: cross-fitted F1 of tonight's scores
        f1_low: lower end of its 95 % interval
        f1_high: upper end of its 95 % interval
        last_f1: cross-fitted F1 of last night's scores
        prevalence: share of ones among tonight's known responses
        last_prevalence: share of ones among last night's known responses
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
    """The book or the scores shifted strongly since the last published night.

    At least one column has a population stability index of 0.25 or more, the customary mark of a
    large shift (Siddiqi 2006, Credit Risk Scorecards, ch. 8). The comparison is with last night
    only; the history in the report shows slow drift. Scores are compared only if both nights used
    the same model version, because a promotion or a rollback changes them anyway.

    Args:
        as_of: date of the night
        run_name: name of the run
        last_as_of: date of the night that readers saw before
        columns: the shifted columns, largest shift first; `probability` is the score
        stability_indices: their population stability indices, in the same order
        threshold: index from which a column counts as shifted
    """

    name = "propensity.night.drifted"
    run_name: str
    last_as_of: dt.date
    columns: tuple[str, ...]
    stability_indices: tuple[float, ...]
    threshold: float


@dataclass(frozen=True)
class NightLate(NightEvent):
    """The deadline has passed and readers do not see the night yet; the watchdog emits this.

    Args:
        as_of: date of the night that is missing
        deadline: time by which it should have been published
        readers_as_of: date of the night that readers see; null before the first night
        reason: what the warehouse knows about the attempts for this date
    """

    name = "propensity.night.late"
    deadline: dt.datetime
    readers_as_of: dt.date | None
    reason: str


def _simplify(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
