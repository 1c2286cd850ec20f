"""Made rows: where they lie, what they may know, and that scores are put right after them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from propensity.evaluation.recalibration import recalibrate_if_better
from propensity.folds import VALIDATION_SALT, select_share
from propensity.ingest.book import read_labelled
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.model import cross_fitting, smote
from propensity.model.encoded_rows import N_PARTS, EncodedRows
from propensity.model.imbalance import plan_training
from propensity.model.prediction import Scorer, score_labelled
from propensity.model.records import TrainingData
from propensity.model.smote import make_ones
from propensity.model.store import ModelVersion
from propensity.model.target_encoding import Pairs, fit_statistics
from propensity.settings import NightlyConfig
from propensity.simulation.book import simulate_book

CONTRACT = load_contract()
N_ROWS, N_ONES = 2000, 300


@pytest.fixture(scope="module")
def rows() -> EncodedRows:
    """Each part has numbers and a category of its own; zeros lie elsewhere."""
    rng = np.random.default_rng(1)
    responses = rng.permutation(np.arange(N_ROWS) < N_ONES).astype(np.int8)
    part = rng.integers(0, N_PARTS, N_ROWS)
    codes = np.column_stack([part + 10 * (1 - responses), rng.integers(0, 4, N_ROWS)])
    numbers = rng.uniform(0, 1, (N_ROWS, 2)) + 10 * part[:, None] - 100 * (1 - responses[:, None])
    numbers[:, 1] *= 1e5
    return EncodedRows(codes.astype(np.int32), numbers.astype(np.float32), responses, part)


def test_as_many_ones_are_made_as_are_lacking(rows: EncodedRows) -> None:
    plan = plan_training("smote_nc", rows, seed=1)
    assert plan.n_made == N_ROWS - 2 * N_ONES
    learnt = rows.append(plan.made)
    assert np.bincount(learnt.responses[plan.rows]).tolist() == [N_ROWS - N_ONES] * 2
    assert plan.odds_weights == (1, (N_ROWS - N_ONES) / N_ONES)
    assert np.array_equal(learnt.numbers[:N_ROWS], rows.numbers)


def test_a_made_row_lies_between_ones_of_its_own_part(rows: EncodedRows) -> None:
    made = make_ones(rows, seed=1)
    assert (made.responses == 1).all()
    assert np.array_equal(made.codes[:, 0], made.part)
    assert np.bincount(made.part) == pytest.approx(len(made.part) / N_PARTS, abs=1)
    for k in range(N_PARTS):
        ones = rows.numbers[(rows.part == k) & (rows.responses == 1)]
        mine = made.numbers[made.part == k]
        assert (mine >= ones.min(axis=0) - 1e-2).all()
        assert (mine <= ones.max(axis=0) + 1e-2).all()
        assert len(np.unique(mine[:, 0])) > 0.9 * len(mine), "they are no copies"


def test_the_unit_of_a_number_does_not_decide_who_is_near(rows: EncodedRows) -> None:
    other = EncodedRows(rows.codes, rows.numbers * np.float32([1024, 1]), rows.responses, rows.part)
    numbers = make_ones(rows, seed=1).numbers * np.float32([1024, 1])
    assert np.allclose(make_ones(other, seed=1).numbers, numbers, rtol=1e-4)


def test_the_draw_is_of_the_seed(rows: EncodedRows) -> None:
    first, again, other = (make_ones(rows, seed).numbers for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_of_many_ones_some_are_enough(rows: EncodedRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smote, "MAX_ONES", 2)
    made = make_ones(rows, seed=1)
    assert len(made.responses) == N_ROWS - 2 * N_ONES
    for k in range(N_PARTS):  # on one line
        mine = made.numbers[made.part == k].astype(float)
        assert np.corrcoef(mine, rowvar=False)[0, 1] ** 2 == pytest.approx(1, abs=1e-3)


def test_nothing_is_made_of_a_single_one_or_where_ones_are_the_majority(rows: EncodedRows) -> None:
    few = np.zeros(N_ROWS, dtype=np.int8)
    few[7] = 1
    for responses in (few, 1 - few):
        other = EncodedRows(rows.codes, rows.numbers, responses, rows.part)
        assert plan_training("smote_nc", other, seed=1).n_made == 0


def test_nothing_is_learnt_from_a_made_row_and_it_is_shown_nothing_of_its_own_part() -> None:
    pairs = Pairs([[0.5]], [2, 2])
    cells = np.array([[0], [0], [0], [3], [3], [0], [0]], dtype=np.int32)
    responses, part = np.array([1, 0, 0, 1, 0, 1, 1]), np.array([0, 1, 1, 0, 1, 0, 1])
    table, own = fit_statistics(pairs, cells, responses, part, n_made=2)
    expected, real = fit_statistics(pairs, cells[:5], responses[:5], part[:5])
    assert np.array_equal(table, expected)
    assert np.array_equal(own[:5], real)
    assert own[5, 0] == own[0, 0]  # as the policyholder of its part and cell
    assert own[6, 0] == own[1, 0]


# A member


@pytest.mark.slow
def test_made_rows_reach_the_training_rows_alone_and_scores_are_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate_book(tmp_path / "book.csv", n_rows=10_000, seed=3)
    book = ingest_files([tmp_path / "book.csv"], CONTRACT, tmp_path / "curated")
    fitted: list[TrainingData] = []
    config = NightlyConfig(strategy="smote_nc", model_family="logistic")

    def look_on(*given: Any) -> TrainingData:
        fitted.append(TrainingData(*given))
        return fitted[-1]

    monkeypatch.setattr(cross_fitting, "TrainingData", look_on)
    train = cross_fitting.train_member
    members = tuple(train(book, k, CONTRACT, config, tmp_path) for k in range(5))
    labelled = read_labelled(book)
    for member, data in zip(members, fitted, strict=True):
        others = labelled.filter(pa.array(labelled["fold"].to_numpy() != member.fold))
        ids, responses = others["policyholder_id"].to_numpy(), others["response"].to_numpy()
        aside = select_share(ids, config.validation_share, VALIDATION_SALT)
        assert np.array_equal(data.validation.responses, responses[aside])
        assert np.array_equal(data.rows.responses[: -data.plan.n_made], responses[~aside])
        assert member.n_training_rows == 2 * np.count_nonzero(responses[~aside] == 0)
        assert member.n_source_rows == np.count_nonzero(~aside)
        assert member.n_source_ones == responses[~aside].sum()
    version = ModelVersion("v", tmp_path, CONTRACT.digest, members)
    raw, prevalence = Scorer(version, CONTRACT).score_raw(labelled), labelled["response"].to_numpy()
    corrected = score_labelled(book, version, CONTRACT)
    curves = recalibrate_if_better(corrected)
    published = curves.apply(corrected["probability"].to_numpy(), corrected["fold"].to_numpy())
    assert raw.mean() > 2 * prevalence.mean()
    # made ones crowd together, so that the arithmetic is only about right; a night goes on
    assert corrected["probability"].mean() == pytest.approx(prevalence.mean(), rel=0.25)
    assert published.mean() == pytest.approx(prevalence.mean(), rel=0.05)
