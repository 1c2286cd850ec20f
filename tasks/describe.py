"""Stage 7: the facts of the night, created once for publishing, pages, cards and alerts."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.evaluation.records import Contest, Decision
from propensity.ingest.book import CuratedBook
from propensity.runtime.fact_collection import Circumstances, describe_night
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from propensity.scoring.gains import Gain
from propensity.scoring.records import ScoredBook
from propensity.warehouse.nights import find_last_night
from propensity.warehouse.suppressions import find_suppressed
from tasks.line import StageLine


@task(task_run_name="describe", cache_policy=NO_CACHE)
def describe(
    night: OpenNight, book: CuratedBook, contest: Contest, decision: Decision, scores: ScoredBook
) -> NightFacts:
    """Profile the book, measure drift, trace the curves and forecast the calls, in one pass."""
    line, warehouse = StageLine(), night.rejoin()
    last_night = find_last_night(warehouse, night.config.as_of)
    n_calls = night.settings.call_capacity
    given = Circumstances(find_suppressed(warehouse), n_calls, last_night)
    facts = describe_night(night, book, contest, decision, scores, given)
    line.end("%s; %s", _forecast(facts.calls), _compare(facts))
    return facts


def _forecast(calls: Gain | None) -> str:
    if calls is None:
        return "no leads to call"
    return f"{calls.expected_buyers:,.0f} buyers expected from {calls.n_policyholders:,} calls"


def _compare(facts: NightFacts) -> str:
    if facts.last_night is None:
        return "no earlier night to compare with"
    return f"columns that shifted since {facts.last_night.as_of}: {len(facts.shifted)}"
