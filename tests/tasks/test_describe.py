"""The facts of the night are made once, before anything is published or drawn."""

import dataclasses

import pytest
from prefect.artifacts import Artifact

from propensity.monitoring.profile import Profile
from propensity.storage import parquet_parts
from tasks.alert import alert
from tasks.describe import describe
from tasks.present import present
from tasks.publish import publish


def test_keeps_what_the_next_night_compares_with(night, facts):
    path = night.workspace.profile(night.run.run_name)
    assert 1_000 < path.stat().st_size < 300_000
    profile = Profile.load(path)
    assert [c.name for c in profile.features] == [c.name for c in night.contract.features]


def test_warehouse_and_card_show_the_same_forecast(night, book, scores, facts):
    publish(night, facts)
    present(night, facts)
    expected = facts.gains[9].expected_buyers
    with night.warehouse.connect() as connection:
        query = "SELECT expected_buyers FROM lead_gains WHERE percent = 10"
        assert connection.exec_driver_sql(query).scalar_one() == pytest.approx(expected)
    calls = facts.calls
    assert f"expect **{calls.expected_buyers:,.0f} buyers**" in Artifact.get("decision").data


def test_forecasts_the_calls_that_can_be_made(night, book, contest, decision, scores):
    settings = night.settings.model_copy(update={"call_capacity": 321})
    facts = describe(dataclasses.replace(night, settings=settings), book, contest, decision, scores)
    assert facts.calls.n_policyholders == 321


def test_score_parts_are_read_once(night, book, contest, decision, scores, monkeypatch):
    opened = []
    original = parquet_parts.pq.ParquetFile

    def note(path):
        opened.append(path)
        return original(path)

    monkeypatch.setattr(parquet_parts.pq, "ParquetFile", note)
    describe(night, book, contest, decision, scores)
    assert [opened.count(part) for part in scores.parts] == [1] * len(scores.parts)


def test_the_alert_works_where_the_page_cannot_be_drawn(night, facts, monkeypatch, caplog):
    def fail(_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("tasks.present.draw_night", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        present(night, facts)
    alert(night, facts)
    assert "first night: nothing to compare with" in caplog.text
