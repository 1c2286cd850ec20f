"""What marketing and the auditors see: leads, gains, lineage."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import event, text

from propensity.errors import WarehouseError
from propensity.warehouse.engine import is_postgresql
from propensity.warehouse.queries import forecast_calls, read_calls
from propensity.warehouse.schema.views import view_columns
from propensity.warehouse.scores import partitions, table_lifecycle
from propensity.warehouse.suppression_file import Suppression
from propensity.warehouse.suppressions import record_suppressions

from .conftest import BOOK, QUALITY, begin, night_of, publish_all, published_id, read

N_MANY = 50_000
N_LARGE = 1_000_000


def test_leads_have_what_was_promised(engine, publish_night):
    run = publish_night(1)
    leads = read(engine, "SELECT * FROM leads ORDER BY lead_rank")
    assert list(leads.columns) == view_columns["leads"]
    assert leads["lead_rank"].tolist() == list(range(1, 393))
    assert leads["probability"].is_monotonic_decreasing
    assert set(leads["model_version"]) == {run.run_name}
    assert set(leads["f1_score"]) == {QUALITY.f1}
    assert set(leads["decision_threshold"]) == set(QUALITY.thresholds)
    assert pd.to_datetime(leads["as_of"]).dt.date.unique().tolist() == [run.night.as_of]
    assert leads["scored_at"].notna().all()


def test_neither_control_group_nor_known_responses_are_leads(engine, publish_night):
    publish_night(1)
    not_leads = read(
        engine,
        "SELECT c.* FROM current_scores c LEFT JOIN leads l USING (policyholder_id)"
        " WHERE l.policyholder_id IS NULL",
    )
    assert ((not_leads["is_control"] == 1) | (not_leads["response_known"] == 1)).all()
    assert not_leads["is_control"].sum() == 20
    assert not_leads["response_known"].sum() == 600


@pytest.fixture
def many(engine, make_scores):
    """Three nights of a larger book, just as publishing leaves them."""
    for day in (1, 2, 3):
        run, contender = begin(engine, night_of(day))
        book = dataclasses.replace(BOOK, n_rows=N_MANY)
        publish_all(engine, run, book, make_scores(N_MANY, seed=day), contender)
    return engine


def explain(engine, query: str) -> str:
    how = "EXPLAIN (ANALYZE, TIMING OFF)" if is_postgresql(engine) else "EXPLAIN QUERY PLAN"
    with engine.connect() as connection:
        rows = connection.execute(text(f"{how} {query}")).all()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM leads ORDER BY lead_rank LIMIT 200",
        "SELECT * FROM leads WHERE lead_rank <= 200",
        "SELECT * FROM leads WHERE policyholder_id = 44",
    ],
)
def test_the_best_leads_come_from_an_index(many, query):
    assert_from_index(many, explain(many, query), run_id=3, n_touched=260)


def assert_from_index(engine, plan: str, *, run_id: int, n_touched: int) -> None:
    """Of the run readers see by an index, of the other runs nothing, and nothing is sorted."""
    if is_postgresql(engine):
        assert re.search(rf"Index Scan using (ix_)?policyholder_scores_r{run_id}_", plan), plan
        assert not re.search(r"Seq Scan on policyholder_scores_r\d", plan), plan
        touched = [int(n) for n in re.findall(r"policyholder_scores_r\d.*rows=(\d+)[.\d]* l", plan)]
        assert max(touched) <= n_touched, plan
        assert re.search(r"Subplans Removed|never executed", plan), plan
        assert not re.search(r"\bSort\b", plan), plan
    else:
        scans = re.findall(r"SCAN policyholder_scores_r\d", plan)
        assert not scans, plan
        index = rf"SEARCH policyholder_scores_r{run_id} USING INDEX (ix|uq)_policyholder_scores_r"
        assert re.search(index, plan), plan
        assert "TEMP B-TREE" not in plan, plan


@pytest.mark.slow
@pytest.mark.parametrize("objected", ["before", "after"])
def test_the_best_20_000_of_a_large_book_come_from_an_index(engine, make_scores, objected):
    """Also where a tenth of a million has objected, before the night or since."""
    today = pd.Timestamp.now("UTC").date()
    objections = [Suppression(i, "objected", today, None) for i in range(1, N_LARGE, 10)]
    if objected == "before":
        record_suppressions(engine, objections, by="ann")
    book = dataclasses.replace(BOOK, n_rows=N_LARGE)
    for day in (1, 2):
        run, contender = begin(engine, night_of(day))
        publish_all(engine, run, book, make_scores(N_LARGE, seed=day), contender)
    if objected == "after":
        record_suppressions(engine, objections, by="ann")
    query = "SELECT * FROM leads ORDER BY lead_rank LIMIT 20000"
    assert_from_index(engine, explain(engine, query), run_id=2, n_touched=25_000)
    assert len(read(engine, query)) == 20_000


def test_the_index_is_what_makes_it_so(many):
    with many.begin() as connection:
        if is_postgresql(many):
            connection.execute(text("DROP INDEX ix_policyholder_scores_run_id_lead_rank"))
        for run_id in () if is_postgresql(many) else (1, 2, 3):
            connection.execute(text(f"DROP INDEX ix_{table_lifecycle.name_of(run_id)}_lead_rank"))
    plan = explain(many, "SELECT * FROM leads ORDER BY lead_rank LIMIT 200")
    assert re.search(r"Sort|TEMP B-TREE", plan), plan


def test_gains_are_those_of_the_leads(engine, publish_night):
    publish_night(1)
    gains = read(engine, "SELECT * FROM lead_gains ORDER BY percent")
    leads = read(engine, "SELECT * FROM leads ORDER BY lead_rank")["probability"]
    assert gains["percent"].tolist() == list(range(1, 101))
    for gain in gains.itertuples():
        assert gain.expected_buyers == pytest.approx(leads[: gain.n_policyholders].sum())
    assert gains["n_policyholders"].iloc[-1] == len(leads)
    assert (gains["expected_low"] < gains["expected_buyers"]).all()
    assert (gains["expected_buyers"] < gains["expected_high"]).all()


def test_gains_leave_out_who_was_suppressed_before(engine, publish_night):
    ids = [4, 5, 9]
    today = pd.Timestamp.now("UTC").date()
    rows = [Suppression(i, "objected", today, None) for i in ids]
    record_suppressions(engine, rows, by="ann")
    publish_night(1)
    leads = read(engine, "SELECT * FROM leads")
    gains = read(engine, "SELECT * FROM lead_gains WHERE percent = 100").iloc[0]
    assert not set(ids) & set(leads["policyholder_id"])
    assert gains["n_policyholders"] == len(leads) == 389
    assert gains["expected_buyers"] == pytest.approx(leads["probability"].sum())


def test_calls_are_forecast(engine, publish_night):
    publish_night(1)
    found = forecast_calls(engine, 100)
    best = read(engine, "SELECT probability FROM leads ORDER BY lead_rank LIMIT 100")
    assert found.n_calls == 100
    assert found.expected_buyers == pytest.approx(best["probability"].sum())
    assert found.interval.low < found.expected_buyers < found.interval.high
    gain = read(engine, "SELECT * FROM lead_gains ORDER BY percent")
    near = gain.iloc[(gain["n_policyholders"] - 100).abs().argmin()]
    width, gain_width = (
        found.interval.high - found.interval.low,
        near.expected_high - near.expected_low,
    )
    assert width == pytest.approx(gain_width, rel=0.1)
    everyone = forecast_calls(engine, 10**9)
    assert (everyone.n_calls, everyone.reached_share) == (392, pytest.approx(1))


def test_a_forecast_counts_who_was_suppressed_since(engine, publish_night):
    publish_night(1)
    before = forecast_calls(engine, 1).expected_buyers
    today = pd.Timestamp.now("UTC").date()
    record_suppressions(engine, [Suppression(4, "objected", today, None)], by="ann")
    assert forecast_calls(engine, 1).expected_buyers < before


def publish_at_the_first_select(engine, publish_night) -> None:
    """Let the next night come right after the first statement that reads leads."""
    to_come = [2]

    def publish(*given: object) -> None:
        if "FROM leads" in str(given[2]) and to_come:
            publish_night(to_come.pop())

    event.listen(engine, "after_cursor_execute", publish)


def test_calls_and_their_forecast_are_of_one_night(engine, publish_night, monkeypatch):
    monkeypatch.setattr(partitions, "PATIENCE_SECONDS", 0.2)
    first = publish_night(1)
    before = read_calls(engine, 100)
    publish_at_the_first_select(engine, publish_night)
    forecast, leads = read_calls(engine, 100)
    assert published_id(engine) != first.run_id
    assert forecast == before[0]
    assert set(leads["model_version"]) == {first.run_name}
    assert leads["probability"].sum() == pytest.approx(forecast.expected_buyers)


def test_a_forecast_is_of_one_night(engine, publish_night, monkeypatch):
    monkeypatch.setattr(partitions, "PATIENCE_SECONDS", 0.2)
    publish_night(1)
    before = forecast_calls(engine, 100)
    publish_at_the_first_select(engine, publish_night)
    assert forecast_calls(engine, 100) == before
    assert forecast_calls(engine, 100) != before


def test_no_leads_have_no_forecast(engine):
    with pytest.raises(WarehouseError, match="There are no leads"):
        forecast_calls(engine, 10)


def test_a_night_of_known_responses_only_is_published(engine, make_scores):
    run, contender = begin(engine, night_of(1))
    scores = make_scores(lead_rank=np.full(1000, None))
    publish_all(engine, run, BOOK, scores, contender)
    assert read(engine, "SELECT * FROM leads").empty
    assert read(engine, "SELECT * FROM lead_gains").empty


def test_lineage_is_one_join_away(engine, publish_night):
    run = publish_night(1)
    found = read(
        engine,
        "SELECT * FROM leads JOIN lineage USING (run_id) WHERE leads.policyholder_id = 4",
    )
    assert len(found) == 1
    row = found.iloc[0]
    assert row["input_digest"] == run.night.input_digest
    assert row["input_files"] == '["book.csv"]'
    assert row["config_digest"] == run.night.config_digest
    assert row["candidate"] == run.run_name
    assert (row["decision"], row["decision_reason"]) == ("promoted", "It is good.")
    assert (row["threshold_low"], row["threshold_high"]) == (0.21, 0.25)
    assert row["roc_auc"] == QUALITY.metrics["roc_auc"]
    assert row["code_version"]
    assert row["trained_at"]


def test_every_run_has_one_row_of_lineage(engine, publish_night):
    publish_night(1)
    publish_night(2)
    begin(engine, night_of(3))
    lineage = read(engine, "SELECT run_id, status FROM lineage ORDER BY run_id")
    assert lineage["run_id"].tolist() == [1, 2, 3]
    assert lineage["status"].tolist() == ["published", "published", "running"]
