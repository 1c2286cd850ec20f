import pandas as pd

from propensity.night import reach_warehouse
from tasks.publish import publish
from tasks.score import score


def test_readers_see_the_night(night, book, decision):
    serving = decision.serving
    publication = publish(night, book, score(night, book, serving), serving)
    assert publication.is_current
    with reach_warehouse().connect() as connection:
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
