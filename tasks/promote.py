"""Stage 5: may tonight's model replace the champion?"""

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from propensity.gate import Contest, Decision, decide
from propensity.night import OpenNight, reach_warehouse
from propensity.warehouse.models import record_decision


@task(task_run_name="promote", cache_policy=NO_CACHE)
def promote(night: OpenNight, contest: Contest) -> Decision:
    """Decide, and append the decision with its reason to the history."""
    decision = decide(contest, night.config.promotion_margin)
    record_decision(
        reach_warehouse(), night.run, contest.candidate, decision, against=contest.champion_name
    )
    text = f"# {night.version_name}: {decision.outcome.replace('_', ' ')}\n\n{decision.reason}"
    create_markdown_artifact(text, "decision")
    get_run_logger().info("%s: %s", decision.outcome, decision.reason)
    return decision
