"""Decide whether a published night deserves an alert."""

from propensity.evaluation.records import Contender
from propensity.events import F1Dropped, NightDrifted
from propensity.monitoring.drift import LARGE
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from propensity.warehouse.nights import LastNight
from propensity.warehouse.queries import RunSummary


def find_f1_drop(
    night: OpenNight, serving: Contender, last: LastNight, before: RunSummary
) -> F1Dropped | None:
    """Return the drop if F1 fell by more than the promotion margin, and not by chance.

    Args:
        night: Tonight's run.
        serving: Model that scored tonight's book, with its quality.
        last: Night that readers saw before.
        before: Summary of that night's run.
    """
    quality, margin = serving.evaluation, night.config.promotion_margin
    if before.f1_score - quality.f1 <= margin or before.f1_score <= quality.f1_interval.high:
        return None
    return F1Dropped(
        as_of=night.config.as_of,
        run_name=night.run.run_name,
        last_as_of=last.as_of,
        f1=quality.f1,
        f1_low=quality.f1_interval.low,
        f1_high=quality.f1_interval.high,
        last_f1=before.f1_score,
        prevalence=quality.prevalence,
        last_prevalence=before.prevalence,
        margin=margin,
    )


def find_drift(night: OpenNight, facts: NightFacts) -> NightDrifted | None:
    """Return the columns that shifted strongly since last night, if there are any.

    Args:
        night: The run in progress.
        facts: Facts of the run; without a last night there is no drift.
    """
    far = [drift for drift in facts.since_last_night if drift.strength == "large"]
    if not far or facts.last_night is None:
        return None
    return NightDrifted(
        as_of=night.config.as_of,
        run_name=night.run.run_name,
        last_as_of=facts.last_night.as_of,
        columns=tuple(drift.column for drift in far),
        stability_indices=tuple(round(drift.stability_index, 4) for drift in far),
        threshold=LARGE,
    )
