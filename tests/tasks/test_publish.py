import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prefect import task
from prefect.states import Completed

from propensity.errors import BusyError, WarehouseError
from propensity.scoring.records import SCORES_SCHEMA, ScoredBook
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.locks import only_one
from propensity.warehouse.scores import table_lifecycle
from propensity.warehouse.scores.bulk_load import load_scores
from tasks.publish import _was_away, publish


def test_readers_see_the_night(night, book, decision, scores, facts):
    serving = decision.serving
    publication = publish(night, facts)
    assert publication.is_current
    with night.warehouse.connect() as connection:
        current = pd.read_sql("SELECT * FROM current_scores", connection)
        leads = pd.read_sql("SELECT * FROM leads", connection)
    assert len(current) == book.n_rows
    can_be = (current["response_known"] == 0) & (current["is_control"] == 0)
    assert set(leads["policyholder_id"]) == set(current.loc[can_be, "policyholder_id"])
    assert 0.01 < current["is_control"].mean() < 0.03
    assert set(current["f1_score"]) == {serving.evaluation.f1}
    assert set(current["decision_threshold"]) == set(serving.evaluation.thresholds)
    called = current["probability"] >= current["decision_threshold"]
    assert (called == current["predicted_response"].astype(bool)).all()


def lose_the_warehouse(_folder) -> None:
    open_warehouse("postgresql://127.0.0.1:1/db", patience=0)


def load_a_row_without_probability(folder) -> None:
    nobody = dict.fromkeys(SCORES_SCHEMA.names, 1) | {"probability": None}
    pq.write_table(pa.Table.from_pylist([nobody], SCORES_SCHEMA), folder / "part.parquet")
    engine = open_warehouse(f"sqlite:///{folder / 'warehouse.db'}")
    table_lifecycle.create(engine, 1)
    load_scores(engine, 1, ScoredBook((folder / "part.parquet",), 1, 0, 0))


def come_second(folder) -> None:
    engine = open_warehouse(f"sqlite:///{folder / 'warehouse.db'}")
    with only_one(engine, "publish"), only_one(engine, "publish"):
        pass


@pytest.mark.parametrize(
    ("fail", "error", "message", "again"),
    [
        (lose_the_warehouse, WarehouseError, "does not answer", True),
        (load_a_row_without_probability, WarehouseError, "refused a row", False),
        (come_second, BusyError, "Another publish", False),
    ],
)
def test_only_an_absence_is_tried_again(tmp_path, prefect_server, fail, error, message, again):
    state = task(fail)(tmp_path, return_state=True)
    with pytest.raises(error, match=message):
        state.result()
    assert publish.retry_condition_fn is _was_away
    assert _was_away(publish, None, state) is again


def test_what_is_done_is_not_tried_again():
    assert not _was_away(publish, None, Completed(data=1))
