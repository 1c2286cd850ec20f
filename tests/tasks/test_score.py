import dataclasses

import pyarrow.dataset as ds
import pytest

from propensity.receipts import Stage
from propensity.scored import ScoredBook
from tasks.score import list_read, score
from tasks.train import train


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


def test_takes_the_scores_of_the_same_members_whatever_the_version_is_called(
    night, book, contest, members, scores, begin_again, caplog
):
    again = begin_again("score")
    for fold in range(5):
        train(again, book, fold)
    folder = again.workspace.model(again.version_name)
    version = dataclasses.replace(contest.candidate.version, name="another", folder=folder)
    caplog.clear()
    assert score(again, book, dataclasses.replace(contest.candidate, version=version)) == scores
    assert "taken from" in caplog.text


def test_scores_of_another_threshold_are_not_taken(book, contest, scores, begin_again):
    candidate = contest.candidate
    thresholds = (0.5, *candidate.evaluation.thresholds[1:])
    evaluation = dataclasses.replace(candidate.evaluation, thresholds=thresholds)
    read = list_read(book, dataclasses.replace(candidate, evaluation=evaluation))
    refusals = []
    assert Stage(begin_again("x"), "score", ScoredBook, read).find(refusals.append) is None
    assert "is of another input" in refusals[0]


def test_scores_anew_where_a_part_was_changed(book, contest, scores, begin_again, damage, caplog):
    again = begin_again("changed")
    with damage(scores.parts[0]):
        anew = score(again, book, contest.candidate)
    assert "part-00000.parquet has changed" in caplog.text
    assert anew.parts[0].parent == again.workspace.scores(again.run.run_name)
    assert anew.parts[0].read_bytes() == scores.parts[0].read_bytes()
