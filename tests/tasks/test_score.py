import dataclasses

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from propensity.runtime.checkpoints import Stage
from propensity.scoring.records import ScoredBook
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


def test_each_part_is_a_task_run_and_tells_its_rows(night, book, contest, tmp_path, caplog):
    halves = [tmp_path / "part-0.parquet", tmp_path / "part-1.parquet"]
    rows = ds.dataset(list(book.parts)).to_table()
    pq.write_table(rows.slice(0, 5000), halves[0])
    pq.write_table(rows.slice(5000), halves[1])
    run = dataclasses.replace(night.run, run_name="two parts")
    of_two = dataclasses.replace(night, run=run), dataclasses.replace(book, parts=tuple(halves))
    found = score(*of_two, contest.candidate)
    told = {(r.task_run_name, r.message.rsplit(",", 1)[0]) for r in caplog.records}
    assert ("score-part-0", "part 0: 5,000 policyholders") in told
    assert ("score-part-1", f"part 1: {rows.num_rows - 5000:,} policyholders") in told
    assert found.n_rows == book.n_rows


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
    assert "reused from" in caplog.text


def test_scores_of_another_threshold_are_not_taken(book, contest, scores, begin_again):
    candidate = contest.candidate
    thresholds = (0.5, *candidate.evaluation.thresholds[1:])
    evaluation = dataclasses.replace(candidate.evaluation, thresholds=thresholds)
    read = list_read(book, dataclasses.replace(candidate, evaluation=evaluation))
    refusals = []
    assert Stage(begin_again("x"), "score", ScoredBook, read).find(refusals.append) is None
    assert "belongs to a different input" in refusals[0]


def test_scores_anew_where_a_part_was_changed(book, contest, scores, begin_again, damage, caplog):
    again = begin_again("changed")
    with damage(scores.parts[0]):
        anew = score(again, book, contest.candidate)
    assert "part-00000.parquet has changed" in caplog.text
    assert anew.parts[0].parent == again.workspace.scores(again.run.run_name)
    assert anew.parts[0].read_bytes() == scores.parts[0].read_bytes()
