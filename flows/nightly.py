"""The nightly job: policyholder CSV in, scores with their F1 in an SQL table out.

Order of writes: curated parts, report, model version, decision, score parts. Then the scores are
loaded next to last night's, and only the last statement of the last transaction shows them to
readers. A failure before that leaves last night's scores untouched. Pages are drawn afterwards.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from prefect import Flow, flow, get_run_logger, runtime
from prefect.client.schemas.objects import FlowRun, State

from flows.signals import go_on_unread, heed_termination
from propensity.errors import ModelError, WarehouseError
from propensity.folds import N_FOLDS
from propensity.runtime.night import only_one_night, open_night
from propensity.settings import NightlyConfig, Settings
from propensity.warehouse.access import open_reader
from propensity.warehouse.runs import fail_run
from tasks.alert import alert
from tasks.describe import describe
from tasks.evaluate import evaluate
from tasks.ingest import ingest
from tasks.present import present, present_again
from tasks.promote import promote
from tasks.publish import publish
from tasks.report import report
from tasks.score import score
from tasks.train import train


@dataclass(frozen=True)
class NightResult:
    """The run that stands for this night, and whether it was published before."""

    run_id: int
    is_repeat: bool


def record_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """Store the reason with the run, where SQL can read it too."""
    with suppress(WarehouseError):  # without a warehouse there is no run, and Prefect says why
        warehouse = open_reader(Settings())
        fail_run(warehouse, str(flow_run.id), state.message or state.name or "unknown")


@flow(
    name="nightly",
    flow_run_name="nightly {config.as_of}",
    on_failure=[record_failure],
    on_crashed=[record_failure],
    on_cancellation=[record_failure],
)
def nightly(config: NightlyConfig) -> NightResult:
    """Read the book, report its imbalance, retrain, decide, score everybody, publish."""
    go_on_unread()
    settings = Settings()
    with heed_termination(), only_one_night(settings) as warehouse:
        night = open_night(config, settings, warehouse, runtime.flow_run.id)
        if night.is_repeat:
            name = night.run.run_name
            get_run_logger().info("This night was already published as %s: nothing to do", name)
            if runtime.flow_run.run_count > 1:  # the first attempt was cut off after publishing
                present_again(night, return_state=True)
            return NightResult(night.run.run_id, is_repeat=True)
        book = ingest(night)
        report(night, book)
        members = [train(night, book, fold) for fold in range(N_FOLDS)]
        contest = evaluate(night, book, members)
        decision = promote(night, contest)
        if decision.serving is None:
            todo = "No model may score; readers keep last night. Check the responses in the book"
            raise ModelError(decision.reason, todo=todo)
        scores = score(night, book, decision.serving)
        facts = describe(night, book, contest, decision, scores)
        publish(night, facts)
        # A page that cannot be drawn is only logged: a published night must not count as failed.
        present(night, facts, return_state=True)
        alert(night, facts, return_state=True)
        return NightResult(night.run.run_id, is_repeat=False)
