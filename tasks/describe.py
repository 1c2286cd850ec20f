"""Stage 7: the facts of the night, created once for publishing, pages, cards and alerts."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from propensity.evaluation.records import Contest, Decision
from propensity.ingest.book import CuratedBook
from propensity.runtime.fact_collection import Circumstances, describe_night
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
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
    calls = f"{facts.calls.expected_buyers:,.0f}" if facts.calls else "no"
    line.end(
        "%s buyers expected from %s calls; %s columns moved since %s",
        calls,
        f"{n_calls:,}",
        len(facts.shifted),
        last_night.as_of if last_night else "no earlier night",
    )
    return facts
