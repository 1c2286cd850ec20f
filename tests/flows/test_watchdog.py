import datetime as dt

import pytest
from prefect.client.orchestration import get_client
from prefect.states import State

from flows.watchdog import watchdog
from propensity.warehouse.access import open_warehouse

YESTERDAY = dt.datetime.now().astimezone().date() - dt.timedelta(days=1)


@pytest.fixture
def run_watchdog(data_dir, prefect_server):
    def run(as_of: dt.date | None = None) -> State:
        return watchdog(as_of, return_state=True)

    return run


def test_before_the_deadline_nothing_is_late(run_watchdog):
    state = run_watchdog(YESTERDAY + dt.timedelta(days=3))
    assert state.is_completed()
    assert "Not due before 06:00" in state.message


def test_a_missing_warehouse_is_late_and_is_not_created(run_watchdog, data_dir):
    state = run_watchdog(YESTERDAY)
    assert state.is_failed()
    assert f"There is no warehouse: the file {data_dir}/propensity.db" in state.message
    assert not data_dir.exists()


def test_the_deadline_is_a_setting(run_watchdog, data_dir, monkeypatch):
    open_warehouse(f"sqlite:///{data_dir}/propensity.db")
    monkeypatch.setenv("PROPENSITY_DEADLINE", "00:00")
    state = run_watchdog()
    assert state.is_failed()
    assert "is late; readers see nothing. no run has begun" in state.message


def test_a_warehouse_that_does_not_answer_is_late_too(run_watchdog, monkeypatch):
    monkeypatch.setenv("PROPENSITY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    state = run_watchdog(YESTERDAY)
    assert state.is_failed()
    assert "does not answer" in state.message


@pytest.mark.parametrize("as_of", [None, YESTERDAY], ids=["by its schedule", "by hand"])
def test_a_run_is_named_after_the_date_it_looks_for(run_watchdog, as_of):
    flow_run_id = run_watchdog(as_of).state_details.flow_run_id
    with get_client(sync_client=True) as client:
        name = client.read_flow_run(flow_run_id).name
    today = dt.datetime.now().astimezone().date()  # not YESTERDAY's next: midnight may have passed
    assert name == f"watchdog {as_of or today}"
