import datetime as dt

import pandas as pd
import pytest

from propensity.storage.hashing import digest_config
from propensity.warehouse.queries import LEADS, MODELS, RUNS, read_rows, summarize_run
from propensity.warehouse.runs import Night, fail_run, find_published, start_run

from .conftest import QUALITY, begin, night_of


def test_the_same_night_is_found_again(engine, publish_night):
    run = publish_night(1)
    assert find_published(engine, run.night) == run


@pytest.mark.parametrize(
    "other",
    [
        Night(dt.date(2026, 11, 2), "a" * 64, "c" * 64),
        Night(dt.date(2026, 11, 1), "b" * 64, "c" * 64),
        Night(dt.date(2026, 11, 1), "a" * 64, "d" * 64),
    ],
    ids=["date", "book", "configuration"],
)
def test_another_night_is_not(engine, publish_night, other):
    run = publish_night(1)
    assert find_published(engine, other) is None
    assert other.name != run.run_name


def test_a_night_under_way_or_failed_is_not_published(engine):
    run, _ = begin(engine, night_of(1))
    assert find_published(engine, run.night) is None
    fail_run(engine, "flow-of-2026-11-01", "The file is bad.")
    assert find_published(engine, run.night) is None
    runs = read_rows(engine, RUNS, 5)
    assert runs.loc[0, ["status", "reason"]].tolist() == ["failed", "The file is bad."]


def test_a_repeated_night_gets_a_name_of_its_own(engine, publish_night):
    run = publish_night(1)
    again = start_run(engine, run.night, [])
    assert again.run_name == f"{run.run_name}-2"


def test_failing_a_flow_run_leaves_published_runs_alone(engine, publish_night):
    publish_night(1)
    fail_run(engine, "flow-of-2026-11-01", "too late")
    assert read_rows(engine, RUNS, 5).loc[0, "status"] == "published"


def test_configuration_digest_sees_every_part():
    base = digest_config("contract", {"seed": 0})
    assert base == digest_config("contract", {"seed": 0})
    assert base != digest_config("contract", {"seed": 1})
    assert base != digest_config("another", {"seed": 0})


def test_summary_tells_the_run_and_its_decision(engine, publish_night):
    run = publish_night(1)
    summary = summarize_run(engine, run.run_id)
    assert (summary.f1_score, summary.threshold_low, summary.threshold_high) == (
        QUALITY.f1,
        0.21,
        0.25,
    )
    assert (summary.decision, summary.decision_reason) == ("promoted", "It is good.")
    assert (summary.n_policyholders, summary.n_leads, summary.n_control) == (1000, 392, 20)


def test_leads_come_best_first(engine, publish_night):
    publish_night(1)
    leads = read_rows(engine, LEADS, 20)
    assert len(leads) == 20
    assert leads["probability"].is_monotonic_decreasing
    everyone = read_rows(engine, LEADS, 10_000)["probability"]
    assert leads["probability"].tolist() == everyone.nlargest(20).tolist()


def test_runs_and_models_are_listed_newest_first(engine, publish_night):
    publish_night(1)
    publish_night(2)
    runs = read_rows(engine, RUNS, 5)
    assert runs["run_id"].tolist() == [2, 1]
    assert runs["is_current"].tolist() == [1, 0]
    assert pd.to_datetime(runs["finished_at"]).notna().all()
    assert len(read_rows(engine, MODELS, 5)) == 2
