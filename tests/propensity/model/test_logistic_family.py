"""Logistic regressions: what they learn, how they are saved, that they need no TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OneHotEncoder

from propensity.errors import ModelError
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.model.cross_fitting import train_member
from propensity.model.encoded_rows import EncodedRows
from propensity.model.encoder import Encoder, bin_numbers
from propensity.model.imbalance import TrainingPlan
from propensity.model.logistic_family import fit, load
from propensity.model.prediction import Scorer
from propensity.model.records import TrainingData
from propensity.model.store import Member, ModelVersion, load_version, save_version
from propensity.settings import NightlyConfig
from propensity.simulation.book import simulate_book

CONTRACT = load_contract()
CONFIG = NightlyConfig(model_family="logistic")
ENCODER = Encoder({"c": ["a", "b"]}, {"x": [0.0, 1.0, 2.0, 3.0]})


def draw(n_rows: int, seed: int) -> EncodedRows:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, (n_rows, 1), dtype=np.int32)
    numbers = rng.uniform(0, 3, (n_rows, 1)).astype(np.float32)
    chance = expit(codes[:, 0] - 1.5 * np.floor(numbers[:, 0]))
    responses = (rng.random(n_rows) < chance).astype(np.int8)
    return EncodedRows(codes, numbers, responses, np.zeros(n_rows, dtype=np.int64))


def fit_logits(plan: TrainingPlan, path: Path, rows: EncodedRows) -> np.ndarray:
    data = TrainingData(ENCODER, rows, draw(500, seed=2), plan)
    fit(data, CONFIG, 0, path, lambda *_: None)
    return load(path).predict_logits(rows.codes, rows.numbers)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.7, 2.5)])
def test_coefficients_are_those_of_scikit_learn_on_the_rows_and_weights_of_the_plan(
    weights: tuple[float, float], tmp_path: Path
) -> None:
    rows, drawn = draw(3000, seed=1), np.random.default_rng(3).integers(0, 3000, 2000)
    plan = TrainingPlan(drawn, class_weights=weights)
    logits = fit_logits(plan, tmp_path / "member-0.json", rows)
    one_hot = OneHotEncoder().fit_transform(bin_numbers(rows.codes, rows.numbers, ENCODER.cuts))
    responses = rows.responses[drawn]
    regression = LogisticRegression(max_iter=300)
    regression.fit(one_hot[drawn], responses, np.array(weights)[responses])
    assert logits == pytest.approx(regression.decision_function(one_hot), abs=1e-3)
    assert roc_auc_score(rows.responses, logits) > 0.8


def test_a_row_scores_the_same_in_any_company(tmp_path: Path) -> None:
    rows = draw(3000, seed=1)
    together = fit_logits(TrainingPlan(np.arange(3000)), tmp_path / "m.json", rows)
    alone = load(tmp_path / "m.json").predict_logits(rows.codes[7:8], rows.numbers[7:8])
    assert alone.tobytes() == together[7:8].tobytes()


@pytest.mark.parametrize("loss", ["focal", "soft_f1"])
def test_a_loss_it_cannot_minimise_is_refused_and_nothing_is_saved(loss, tmp_path: Path) -> None:
    plan = TrainingPlan(np.arange(100), loss=loss)
    with pytest.raises(ModelError, match=f"cannot minimise the loss {loss}"):
        fit_logits(plan, tmp_path / "m.json", draw(100, seed=1))
    assert not list(tmp_path.iterdir())


# A version


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> CuratedBook:
    folder = tmp_path_factory.mktemp("book")
    simulate_book(folder / "book.csv", n_rows=5000, seed=3, unlabelled_share=0.3)
    return ingest_files([folder / "book.csv"], CONTRACT, folder / "curated")


@pytest.fixture(scope="module")
def version(book: CuratedBook, tmp_path_factory: pytest.TempPathFactory) -> ModelVersion:
    folder = tmp_path_factory.mktemp("version")
    members = [train_member(book, k, CONTRACT, CONFIG, folder) for k in range(5)]
    return save_version(ModelVersion("v", folder, CONTRACT.digest, tuple(members)))


def test_a_version_is_loaded_with_its_family(version: ModelVersion, book: CuratedBook) -> None:
    loaded = load_version(version.folder, version.files_digest)
    assert loaded == version
    assert {(m.family, m.n_epochs, m.summary) for m in loaded.members} == {
        ("logistic", None, "logistic regression")
    }
    files = json.loads((version.folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert set(files) == {f"{n}-{k}.json" for n in ("member", "encoder") for k in range(5)}
    rows = read_labelled(book)
    scores = Scorer(loaded, CONTRACT).score(rows)
    response = rows["response"].to_numpy()
    assert roc_auc_score(response, scores) > 0.75
    assert scores.mean() == pytest.approx(response.mean(), rel=0.05)


def test_a_manifest_of_before_there_were_families_is_of_networks() -> None:
    member = Member(0, 0.5697, 4.0823, 1000, 3, 1 / 3)
    assert (member.family, member.summary) == ("network", "3 epochs")
    assert [f.name for f in member.list_files(Path())] == ["encoder-0.json", "member-0.keras"]


@pytest.mark.slow
def test_training_and_scoring_need_no_tensorflow(book: CuratedBook, tmp_path: Path) -> None:
    code = f"""
import dataclasses, sys
from pathlib import Path
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import load_contract
from propensity.model.cross_fitting import train_member
from propensity.model.prediction import Scorer
from propensity.model.store import ModelVersion
from propensity.settings import NightlyConfig
parts = tuple(map(Path, {[str(p) for p in book.parts]}))
book = CuratedBook(parts, Path(), {book.n_rows}, 0, {book.n_labelled}, {book.n_positive})
contract, config = load_contract(), NightlyConfig(model_family="logistic")
members = tuple(train_member(book, k, contract, config, Path({str(tmp_path)!r})) for k in range(5))
version = ModelVersion("v", Path({str(tmp_path)!r}), contract.digest, members)
Scorer(version, contract).score(read_labelled(book))
print(sorted({{"tensorflow", "keras"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
