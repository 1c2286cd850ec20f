"""Training one member: what it may see, when it stops, that it can be repeated."""

import dataclasses
import json
import random
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score

from propensity.errors import ModelError
from propensity.evaluation.records import Contender
from propensity.folds import VALIDATION_SALT, assign_folds, select_share
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.metrics.class_balance import balance_weights
from propensity.metrics.evaluation import evaluate_baselines, evaluate_scores
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Evaluation
from propensity.metrics.threshold import choose_threshold
from propensity.model.cross_fitting import train_member
from propensity.model.encoder import Encoder
from propensity.model.network.architecture import Predictor, load_network
from propensity.model.prediction import score_labelled
from propensity.model.store import Member, ModelVersion, encoder_path, model_path
from propensity.scoring.batch_scoring import score_book
from propensity.settings import LeadRules, NightlyConfig
from propensity.simulation.book import simulate_book

CONTRACT = load_contract()
CONFIG = NightlyConfig(max_epochs=1, batch_size=256, n_bootstrap=20)
BLANK, ASIDE = 9999, 8888
"""Channels planted in rows without response and in validation rows; 9000 + k in rows of fold k."""
IN_FOLD = 9000


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> CuratedBook:
    """A quarter of the rows tell, by an impossible channel, why they may not be learnt from."""
    folder = tmp_path_factory.mktemp("book")
    simulate_book(folder / "book.csv", n_rows=20_000, seed=3, unlabelled_share=0.3)
    frame = pd.read_csv(folder / "book.csv")
    ids = frame["id"].to_numpy()
    aside = select_share(ids, CONFIG.validation_share, VALIDATION_SALT)
    why = np.where(aside, ASIDE, IN_FOLD + assign_folds(ids).astype(np.int64))
    why = np.where(frame["Response"].isna(), BLANK, why)
    channel = frame["Policy_Sales_Channel"].to_numpy()
    frame["Policy_Sales_Channel"] = np.where(ids % 4 == 0, why, channel).astype(np.float64)
    frame.to_csv(folder / "book.csv", index=False)
    return ingest_files([folder / "book.csv"], CONTRACT, folder / "curated")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("version")


@pytest.fixture(scope="module")
def member(book: CuratedBook, folder: Path) -> Member:
    return train_member(book, 2, CONTRACT, CONFIG, folder)


def read_training(book: CuratedBook, fold: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and validation rows, found another way."""
    rows = pd.concat([pd.read_parquet(p) for p in book.parts])
    rows = rows[rows["response"].notna() & (rows["fold"] != fold)]
    ids = rows["policyholder_id"].to_numpy()
    aside = select_share(ids, CONFIG.validation_share, VALIDATION_SALT)
    return rows[~aside], rows[aside]


def predict(folder: Path, fold: int, book: CuratedBook) -> NDArray[np.float32]:
    rows = pa.concat_tables(pq.read_table(p) for p in book.parts)
    encoder = Encoder.load(encoder_path(folder, fold), CONTRACT)
    return Predictor(load_network(model_path(folder, fold))).predict_logits(*encoder.encode(rows))


def test_the_encoder_has_seen_training_rows_only(member: Member, folder: Path) -> None:
    raw = json.loads(encoder_path(folder, member.fold).read_text(encoding="utf-8"))
    planted = {c for c in raw["categories"]["Policy_Sales_Channel"] if c >= ASIDE}
    assert planted == {IN_FOLD + k for k in range(5) if k != member.fold}


def test_weights_are_of_its_own_training_rows(member: Member, book: CuratedBook) -> None:
    training, validation = read_training(book, member.fold)
    weights = balance_weights(training["response"].to_numpy())
    assert (member.weight_of_zero, member.weight_of_one) == weights
    assert member.n_training_rows == member.n_source_rows == len(training)
    assert member.n_source_ones == training["response"].sum()
    assert len(validation) == pytest.approx(len(training) / 19, rel=0.1)


def test_validation_score_is_that_of_the_saved_network(
    member: Member, book: CuratedBook, folder: Path
) -> None:
    rows = pd.concat([pd.read_parquet(p) for p in book.parts])
    logits = pd.Series(predict(folder, member.fold, book), rows["policyholder_id"])
    _, validation = read_training(book, member.fold)
    own = logits.loc[validation["policyholder_id"]]
    expected = average_precision_score(validation["response"], own)
    assert member.validation_average_precision == pytest.approx(expected, abs=1e-12)
    assert expected > 1.5 * validation["response"].mean()
    best = choose_threshold(validation["response"].to_numpy(), own.to_numpy())
    assert member.validation_f1 == pytest.approx(f1_score(validation["response"], own >= best))


def test_same_seed_same_member_whatever_its_fold_and_the_blank_rows_say(
    member: Member, book: CuratedBook, folder: Path, tmp_path: Path
) -> None:
    rows = pd.concat([pd.read_parquet(p) for p in book.parts])
    hidden = (rows["fold"] == member.fold) | rows["response"].isna()
    rows.loc[hidden, "Annual_Premium"] = 9e6
    rows.loc[hidden, "response"] = 1 - rows.loc[hidden, "response"]
    table = pa.Table.from_pandas(rows, schema=CONTRACT.schema, preserve_index=False)
    pq.write_table(table, tmp_path / "part.parquet")
    other = dataclasses.replace(book, parts=(tmp_path / "part.parquet",))
    again = train_member(other, member.fold, CONTRACT, CONFIG, tmp_path / "version")
    assert again == member
    assert np.array_equal(
        predict(tmp_path / "version", member.fold, book), predict(folder, member.fold, book)
    )


def test_same_seed_same_member_whatever_other_threads_draw(
    member: Member, book: CuratedBook, tmp_path: Path
) -> None:
    """Prefect's threads draw from Python's generator too, at any moment."""
    over = threading.Event()

    def draw_now_and_then() -> None:
        while not over.wait(0.001):
            random.getrandbits(8)

    thread = threading.Thread(target=draw_now_and_then)
    thread.start()
    try:
        assert train_member(book, member.fold, CONTRACT, CONFIG, tmp_path) == member
    finally:
        over.set()
        thread.join()


@pytest.fixture
def plan_f1(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[NDArray[np.float32]]]:
    """Let each epoch reach the F1 that is planned; return the logits of the validation rows.

    Differences of more than 0.1 are clear.
    """

    def plan(*f1: float) -> list[NDArray[np.float32]]:
        planned, reached, logits = iter(f1), [], []

        def choose(_: object, own: NDArray[np.float32]) -> float:
            logits.append(own)
            return 0.0

        def measure(*_: object) -> float:
            reached.append(next(planned))
            return reached[-1]

        def compare(*_: object, **__: object) -> Interval:
            difference = max(reached) - reached[-1]
            return Interval(difference - 0.1, difference + 0.1)

        monkeypatch.setattr("propensity.model.validation.choose_threshold", choose)
        monkeypatch.setattr("propensity.model.validation.measure_f1", measure)
        monkeypatch.setattr("propensity.model.network.early_stopping.compare_f1", compare)
        return logits

    return plan


def train(book: CuratedBook, folder: Path, n_epochs: int, patience: int, **options) -> Member:
    own = {"max_epochs": n_epochs, "patience": patience, "batch_size": 2048}
    return train_member(book, 0, CONTRACT, CONFIG.model_copy(update=own), folder, **options)


def predict_validation(folder: Path, book: CuratedBook) -> NDArray[np.float32]:
    rows = pd.concat([pd.read_parquet(p) for p in book.parts])
    _, validation = read_training(book, 0)
    saved = pd.Series(predict(folder, 0, book), rows["policyholder_id"])
    return saved.loc[validation["policyholder_id"]].to_numpy()


def test_training_stops_when_validation_f1_falls_and_keeps_the_best_epoch(
    book: CuratedBook, tmp_path: Path, plan_f1
) -> None:
    logits, told = plan_f1(0.3, 0.9, 0.4, 0.95), []
    member = train(book, tmp_path, 4, patience=1, on_epoch=lambda *a: told.append(a))
    assert told == [(1, 0.3), (2, 0.9), (3, 0.4)]
    assert (member.n_epochs, member.validation_f1) == (3, 0.9)
    saved = predict_validation(tmp_path, book)
    assert np.array_equal(saved, logits[1])
    assert not np.array_equal(saved, logits[2])
    _, validation = read_training(book, 0)
    expected = average_precision_score(validation["response"], saved)
    assert member.validation_average_precision == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("f1", "kept"), [((0.9, 0.4), 0), ((0.5, 0.45), 1), ((0.4, 0.5), 1)])
def test_the_last_epoch_is_kept_unless_another_was_clearly_better(
    book: CuratedBook, tmp_path: Path, plan_f1, f1: tuple[float, float], kept: int
) -> None:
    logits = plan_f1(*f1)
    member = train(book, tmp_path, 2, patience=5)
    assert np.array_equal(predict_validation(tmp_path, book), logits[kept])
    assert member.validation_f1 == f1[kept]


@pytest.mark.slow
def test_a_training_that_diverges_says_so(book: CuratedBook, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"learning_rate": 1e6, "batch_size": 2048})
    with pytest.raises(ModelError, match=r"after epoch 1 .* Lower PROPENSITY_LEARNING_RATE"):
        train_member(book, 0, CONTRACT, config, tmp_path)
    assert not model_path(tmp_path, 0).exists()


# All five


@pytest.fixture(scope="module")
def version(book: CuratedBook, member: Member, folder: Path) -> ModelVersion:
    others = [train_member(book, k, CONTRACT, CONFIG, folder) for k in range(5) if k != member.fold]
    members = sorted([member, *others], key=lambda m: m.fold)
    return ModelVersion("v", folder, CONTRACT.digest, tuple(members))


@pytest.fixture(scope="module")
def labelled(book: CuratedBook, version: ModelVersion) -> pd.DataFrame:
    return score_labelled(book, version, CONTRACT)


@pytest.fixture(scope="module")
def quality(labelled: pd.DataFrame) -> Evaluation:
    return evaluate_scores(labelled, seed=0, n_bootstrap=20)


@pytest.mark.slow
def test_no_encoder_knows_its_own_fold(version: ModelVersion) -> None:
    for fold in range(5):
        channels = Encoder.load(encoder_path(version.folder, fold), CONTRACT).categories
        planted = {c for c in channels["Policy_Sales_Channel"] if int(c) >= ASIDE}
        assert planted == {IN_FOLD + k for k in range(5) if k != fold}


@pytest.mark.slow
def test_a_simulated_signal_is_found_and_calibrated(
    labelled: pd.DataFrame, quality: Evaluation
) -> None:
    everyone, rule = evaluate_baselines(labelled, "rule")
    assert everyone.f1 < rule.f1 < quality.f1
    assert 0.8 < quality.metrics["roc_auc"] < 0.88  # the truth itself has 0.861
    assert quality.mean_probability == pytest.approx(quality.prevalence, rel=0.25)


@pytest.mark.slow
def test_the_published_f1_is_exactly_the_evaluated_one(
    book: CuratedBook,
    version: ModelVersion,
    labelled: pd.DataFrame,
    quality: Evaluation,
    tmp_path: Path,
) -> None:
    serving = Contender(version, quality)
    scored = score_book(book, serving, CONTRACT, LeadRules(), tmp_path)
    scores = pd.concat([pd.read_parquet(p) for p in scored.parts])
    known = scores.set_index("policyholder_id").loc[labelled["policyholder_id"]]
    assert len(scores) == book.n_rows
    assert np.array_equal(known["probability"], labelled["probability"])
    own = f1_score(labelled["response"], known["predicted_response"])
    assert quality.f1 == pytest.approx(own, abs=1e-15)
