import pyarrow.dataset as ds
import pytest

from tasks.score import score


@pytest.fixture(scope="module")
def scores(night, book, contest):
    return score(night, book, contest.candidate)


def test_scores_every_policyholder_once(book, scores):
    table = ds.dataset(list(scores.parts)).to_table().to_pandas()
    assert scores.n_rows == len(table) == book.n_rows
    assert table["policyholder_id"].is_unique
    assert table["probability"].between(0, 1).all()
    assert (table["response_known"] == 0).sum() == book.n_rows - book.n_labelled
    assert table["decile"].value_counts().between(0.08 * len(table), 0.12 * len(table)).all()


def test_leaves_nothing_but_the_parts(night, scores):
    folder = night.workspace.scores(night.run.run_name)
    assert set(folder.iterdir()) == set(scores.parts)
