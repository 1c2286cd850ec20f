import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import text

from propensity.errors import WarehouseError
from propensity.scoring.records import SCORES_SCHEMA
from propensity.storage.tallies import tally_parts
from propensity.warehouse import publication
from propensity.warehouse.runs import fail_run, find_published, start_run
from propensity.warehouse.schema.tables import policyholder_scores
from propensity.warehouse.scores import table_lifecycle
from propensity.warehouse.scores.audit import FingerprintTally, summarize_table
from propensity.warehouse.scores.bulk_load import load_scores

from .conftest import (
    BOOK,
    N_ROWS,
    QUALITY,
    begin,
    night_of,
    publish_all,
    published_id,
    read,
)


def test_parts_have_the_columns_of_the_table():
    assert ["run_id", *SCORES_SCHEMA.names] == [c.name for c in policyholder_scores.c]


def test_readers_see_every_score_with_the_f1_it_was_earned_at(engine, publish_night):
    run = publish_night(1)
    current = read(engine, "SELECT * FROM current_scores")
    assert len(current) == N_ROWS
    assert set(current["run_id"]) == {run.run_id}
    assert set(current["f1_score"]) == {QUALITY.f1}
    assert set(current["model_version"]) == {run.run_name}


def test_the_table_holds_what_the_parts_held(engine, publish_night, make_scores):
    run = publish_night(1)
    parts = make_scores(seed=1).parts
    expected = pd.concat(pd.read_parquet(p) for p in parts).reset_index(drop=True)
    names = ", ".join(SCORES_SCHEMA.names)
    query = f"SELECT {names} FROM policyholder_scores WHERE run_id = {run.run_id}"  # noqa: S608
    found = read(engine, f"{query} ORDER BY policyholder_id")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_each_score_carries_the_threshold_of_its_fold(engine, publish_night):
    publish_night(1)
    query = "SELECT fold, decision_threshold FROM current_scores JOIN policyholder_scores"
    joined = read(engine, f"{query} USING (run_id, policyholder_id)").drop_duplicates()
    assert dict(zip(joined["fold"], joined["decision_threshold"], strict=True)) == dict(
        enumerate(QUALITY.thresholds)
    )


@pytest.mark.parametrize(
    ("n_rows", "changed"),
    [
        (N_ROWS - 1, {}),
        (N_ROWS + 1, {}),
        (N_ROWS, {"probability": np.r_[np.full(N_ROWS - 1, 0.5), 1.5]}),
        (N_ROWS, {"probability": np.r_[np.full(N_ROWS - 1, 0.5), -0.1]}),
        (N_ROWS, {"probability": np.r_[np.full(N_ROWS - 1, 0.5), np.nan]}),
        (N_ROWS, {"percentile": np.r_[np.full(N_ROWS - 1, 50), 101]}),
        (N_ROWS, {"decile": np.r_[np.full(N_ROWS - 1, 5), 0]}),
        (N_ROWS, {"predicted_response": np.r_[np.zeros(N_ROWS - 1), 2]}),
        (N_ROWS, {"is_control": np.zeros(N_ROWS)}),
        (N_ROWS, {"lead_rank": np.arange(1, N_ROWS + 1)}),
        (N_ROWS, {"probability": np.linspace(0, 1, N_ROWS)}),
        (N_ROWS, {"policyholder_id": np.r_[np.arange(1, N_ROWS), 1]}),
    ],
    ids=[
        "a row lost",
        "a row more",
        "above 1",
        "below 0",
        "no number",
        "percentile",
        "decile",
        "predicted",
        "control group",
        "ranks",
        "worst first",
        "an id twice",
    ],
)
def test_scores_that_fail_the_audit_are_never_seen(
    engine, publish_night, make_scores, n_rows, changed
):
    last_night = publish_night(1)
    before = read(engine, "SELECT * FROM current_scores ORDER BY policyholder_id")
    run, contender = begin(engine, night_of(2))
    scores = make_scores(n_rows, seed=2, **changed)
    with pytest.raises(WarehouseError, match=r"Audit( of run 2)?: "):
        publish_all(engine, run, BOOK, scores, contender)
    assert published_id(engine) == last_night.run_id
    after = read(engine, "SELECT * FROM current_scores ORDER BY policyholder_id")
    pd.testing.assert_frame_equal(after, before)
    assert find_published(engine, run.night) is None
    fail_run(engine, "flow-of-2026-11-02", "The audit failed.")
    assert table_lifecycle.find_stored(engine) == {last_night.run_id}


@pytest.mark.parametrize(
    "change",
    [
        "probability = probability / 2 WHERE policyholder_id = 7",
        "policyholder_id = 1001 - policyholder_id",
        "policyholder_id = 11 - policyholder_id WHERE policyholder_id IN (5, 6)",
        "policyholder_id = 2147483647 + policyholder_id WHERE policyholder_id = 7",
        "fold = 4 - fold",
        "response_known = 1 - response_known",
        "response = 1 - response",
        "response = NULL WHERE policyholder_id = 7",
        "percentile = 100 - percentile",
        "percentile = percentile - 0.001 WHERE policyholder_id = 7",
        "decile = 11 - decile",
        "decile = 2 WHERE policyholder_id = 7",
        "predicted_response = 1 - predicted_response",
        "region_code = sales_channel, sales_channel = region_code",
        "region_code = NULL WHERE policyholder_id = 51",  # it was 0
        "sales_channel = 26",
    ],
)
def test_a_value_that_was_changed_on_the_way_fails_the_audit(
    engine, make_scores, monkeypatch, change
):
    run, contender = begin(engine, night_of(1))
    real = publication.load_scores

    def tamper(engine, run_id, *rest):
        real(engine, run_id, *rest)
        with engine.begin() as connection:
            # the changes are those listed above
            connection.execute(text(f"UPDATE policyholder_scores_r1 SET {change}"))  # noqa: S608

    monkeypatch.setattr(publication, "load_scores", tamper)
    # ids that changed places have the same sum: every other column differs
    column = "probability" if "1 - policyholder_id" in change else change.split()[0]
    with pytest.raises(WarehouseError, match=f"Audit of run 1: the table .* parts: .*{column}"):
        publish_all(engine, run, BOOK, make_scores(), contender)
    assert published_id(engine) is None


def test_extreme_values_are_the_same_in_the_parts_and_in_the_table(engine, make_scores):
    n_rows, rng = 20_000, np.random.default_rng(0)
    best_first = np.sort(rng.random(n_rows) ** rng.integers(1, 9, n_rows)).astype(np.float32)[::-1]
    ids = rng.choice(2**63 - 1, n_rows)
    ids[:5] = 0, 2**31 - 3, 2**31 - 2, 2**31 - 1, 2**63 - 1
    region = pa.array(rng.integers(-(2**31), 2**31, n_rows), mask=rng.random(n_rows) < 0.3)
    scores = make_scores(
        n_rows,
        policyholder_id=ids,
        probability=np.r_[1, best_first[1:-1], 0],
        percentile=100 * best_first[::-1],
        region_code=region,
        sales_channel=pa.nulls(n_rows, pa.int32()),
    )
    table_lifecycle.create(engine, 1)
    load_scores(engine, 1, scores)
    parts = FingerprintTally(scores)
    tally_parts(scores.parts, parts)
    in_parts = parts.fingerprint
    in_table = summarize_table(engine, 1)
    assert in_table == in_parts
    assert sum(value != 0 for value in in_parts.checksums.values()) == len(SCORES_SCHEMA) - 1


def test_the_next_run_cleans_up_after_one_that_crashed(engine, publish_night, make_scores):
    last_night = publish_night(1)
    run, _ = begin(engine, night_of(2))
    table_lifecycle.create(engine, run.run_id)
    load_scores(engine, run.run_id, make_scores(seed=2))  # and then the power fails
    start_run(engine, night_of(3), [])
    assert table_lifecycle.find_stored(engine) == {last_night.run_id}
    rows = read(engine, "SELECT run_id, count(*) AS n FROM policyholder_scores GROUP BY run_id")
    assert rows.to_dict("list") == {"run_id": [last_night.run_id], "n": [N_ROWS]}
    status = read(engine, "SELECT status FROM scoring_runs ORDER BY run_id")["status"]
    assert list(status) == ["published", "crashed", "running"]


def test_publishing_twice_finds_that_it_is_done(engine, make_scores):
    run, contender = begin(engine, night_of(1))
    first = publish_all(engine, run, BOOK, make_scores(), contender)
    assert publish_all(engine, run, BOOK, make_scores(), contender) == first
    assert len(read(engine, "SELECT * FROM current_scores")) == N_ROWS


def test_a_run_that_was_buried_meanwhile_does_not_publish(engine, publish_night, make_scores):
    last_night = publish_night(1)
    run, contender = begin(engine, night_of(2))
    start_run(engine, night_of(3), [])  # takes run 2 for crashed
    with pytest.raises(WarehouseError, match="Run 2 was marked crashed meanwhile"):
        publish_all(engine, run, BOOK, make_scores(seed=2), contender)
    assert published_id(engine) == last_night.run_id


def test_an_older_night_is_stored_but_does_not_take_the_pointer(engine, publish_night):
    newer = publish_night(5)
    older = publish_night(4)
    assert published_id(engine) == newer.run_id
    assert find_published(engine, older.night) == older


def test_the_pointer_is_one_row(engine, publish_night):
    publish_night(1)
    with pytest.raises(Exception, match=r"(?i)check"), engine.begin() as connection:
        connection.execute(text("INSERT INTO published_run VALUES (2, 1, '2026-11-01', NULL)"))
