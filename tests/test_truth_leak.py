"""Nothing that is done to the imbalance reaches a row that is validated, judged or scored."""

import dataclasses
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from propensity.comparison.training import ScoredArm, run_strategy_arm
from propensity.errors import InputError
from propensity.folds import N_FOLDS, VALIDATION_SALT, assign_folds, select_share
from propensity.ingest import duplicates
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.model import cross_fitting, validation
from propensity.model.cross_fitting import train_member
from propensity.model.store import Member, encoder_path, model_path
from propensity.settings import STRATEGIES, NightlyConfig, StrategyName
from propensity.simulation.book import simulate_book

CONTRACT = load_contract()
CONFIG = NightlyConfig(max_epochs=1)


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "book.csv"
    simulate_book(path, n_rows=6000, seed=1)
    return path


@pytest.fixture(scope="module")
def book(csv: Path) -> CuratedBook:
    return ingest_files([csv], CONTRACT, csv.parent / "curated")


@pytest.fixture
def oversampled(csv: Path, tmp_path: Path) -> tuple[Path, int]:
    """The whole frame resampled before any split, as in many a tutorial: ones drawn again."""
    frame = pd.read_csv(csv)
    is_one = frame["Response"] == 1
    ones = frame[is_one].sample(n=int((~is_one).sum()), replace=True, random_state=0)
    whole = pd.concat([frame, ones]).sample(frac=1, random_state=1)
    whole.to_csv(tmp_path / "oversampled.csv", index=False)
    return tmp_path / "oversampled.csv", len(ones)


def test_a_book_oversampled_before_the_split_stops_the_night(
    oversampled: tuple[Path, int], tmp_path: Path
) -> None:
    path, n_copies = oversampled
    with pytest.raises(InputError, match="an id that no earlier row of the book has") as error:
        ingest_files([path], CONTRACT, tmp_path / "curated")
    assert f"{n_copies:,} of {6000 + n_copies:,} rows were rejected" in str(error.value)


def test_new_ids_do_not_hide_the_copies(oversampled: tuple[Path, int], tmp_path: Path) -> None:
    frame = pd.read_csv(oversampled[0])
    frame.assign(id=np.arange(len(frame))).to_csv(tmp_path / "renumbered.csv", index=False)
    with pytest.raises(InputError) as error:
        ingest_files([tmp_path / "renumbered.csv"], CONTRACT, tmp_path / "curated")
    n_ones = int(frame["Response"].sum())
    share = 1 - frame[frame["Response"] == 1].drop(columns="id").drop_duplicates().shape[0] / n_ones
    assert share > 0.8
    assert f"{share:.0%} of the policyholders who said yes are identical to " in str(error.value)
    assert "PROPENSITY_STRATEGY=oversample" in str(error.value)


@pytest.mark.parametrize("n_kept", [500_000, 3_000])
def test_a_tenth_of_the_ones_may_be_copies_and_no_more(
    csv: Path, tmp_path: Path, n_kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a book is so large that only a sample of it is looked at."""
    monkeypatch.setattr(duplicates, "N_KEPT", n_kept)
    frame = pd.read_csv(csv)
    ones = frame[frame["Response"] == 1]
    for share, is_refused in ((0.03, False), (0.3, True)):
        again = ones.sample(int(share / (1 - share) * len(ones)), random_state=0)
        book = pd.concat([frame, again])
        book.assign(id=np.arange(len(book))).to_csv(tmp_path / "book.csv", index=False)
        refusal = pytest.raises(InputError, match="oversampled") if is_refused else nullcontext()
        with refusal:
            ingest_files([tmp_path / "book.csv"], CONTRACT, tmp_path / "curated")


def test_where_a_contract_tells_few_apart_equal_rows_are_no_copies(
    csv: Path, tmp_path: Path
) -> None:
    few = {"id", "Gender", "Vehicle_Age", "Vehicle_Damage", "Previously_Insured", "Response"}
    columns = tuple(c for c in CONTRACT.columns if c.name in few)
    frame = pd.read_csv(csv, usecols=list(few))
    assert frame[frame["Response"] == 1].drop(columns="id").duplicated().mean() > 0.9
    book = ingest_files([csv], dataclasses.replace(CONTRACT, columns=columns), tmp_path)
    assert book.n_rows == 6000


def test_whoever_tolerates_that_is_left_with_the_book_as_it_was_and_every_copy_is_told(
    oversampled: tuple[Path, int], book: CuratedBook, tmp_path: Path
) -> None:
    path, n_copies = oversampled
    again = ingest_files([path], CONTRACT, tmp_path / "curated", tolerated_rejected_share=0.9)
    assert (again.n_labelled, again.n_positive) == (book.n_labelled, book.n_positive)
    assert read_sorted(again).equals(read_sorted(book))
    rejected = pd.read_csv(again.rejected)
    assert set(rejected["column"]) == {"id"}
    # the copies, and no other lines: those on which an id stands that stood before
    ids = pd.read_csv(path)["id"]
    copies = np.flatnonzero(ids.duplicated()) + 2
    assert len(copies) == n_copies
    assert rejected["line"].tolist() == copies.tolist()


def read_sorted(book: CuratedBook) -> pd.DataFrame:
    frame: pd.DataFrame = read_labelled(book).to_pandas()
    return frame.sort_values("policyholder_id", ignore_index=True)


def test_a_copy_in_the_file_of_another_night_is_in_the_same_fold(
    oversampled: tuple[Path, int], tmp_path: Path
) -> None:
    """Split a resampled frame in two and no policyholder is on both sides of a fold."""
    frame = pd.read_csv(oversampled[0])
    half = len(frame) // 2
    folds = []
    for night, rows in enumerate((frame[:half], frame[half:])):
        path = tmp_path / f"{night}.csv"
        rows.drop_duplicates("id").to_csv(path, index=False)
        curated = read_sorted(ingest_files([path], CONTRACT, tmp_path / str(night)))
        folds.append(curated.set_index("policyholder_id")["fold"])
    both = folds[0].index.intersection(folds[1].index)
    assert len(both) > 500
    assert folds[0].loc[both].equals(folds[1].loc[both])


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[np.ndarray]]:
    """Responses that strategies were given, those they made of them, those that are validated."""
    kept: dict[str, list[np.ndarray]] = {"given": [], "drawn": [], "validated": []}
    plan_training, score = cross_fitting.plan_training, validation.average_precision_score

    def look_on(strategy, rows, seed):
        plan = plan_training(strategy, rows, seed)
        kept["given"].append(rows.responses)
        kept["drawn"].append(rows.append(plan.made).responses[plan.rows])
        return plan

    def score_after_an_epoch(responses, logits):
        kept["validated"].append(responses)
        return score(responses, logits)

    monkeypatch.setattr(cross_fitting, "plan_training", look_on)
    monkeypatch.setattr(validation, "average_precision_score", score_after_an_epoch)
    return kept


def split(book: CuratedBook, fold: int) -> tuple[list[int], list[int]]:
    """Responses of the training and the validation rows of a member, in order."""
    rows = read_labelled(book)
    ids, response = (rows[c].to_numpy() for c in ("policyholder_id", "response"))
    aside = select_share(ids, CONFIG.validation_share, VALIDATION_SALT)
    others = assign_folds(ids) != fold
    return response[others & ~aside].tolist(), response[others & aside].tolist()


@pytest.fixture
def train_one(monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    """Let one member be trained and stand for all five: which rows are scored is asked, not how."""
    trained: list[Member] = []

    def train_or_copy(book, fold, contract, config, folder):
        if not trained:
            trained.append(train_member(book, fold, contract, config, folder))
        for place in (model_path, encoder_path) if fold else ():
            shutil.copy(place(folder, 0), place(folder, fold))
        return dataclasses.replace(trained[0], fold=fold)

    monkeypatch.setattr(cross_fitting, "train_member", train_or_copy)
    return trained


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [s for s in STRATEGIES if s != "undersample"])
def test_a_strategy_sees_its_own_training_rows_and_leaves_all_others_as_they_are(
    book: CuratedBook,
    seen: dict[str, list[np.ndarray]],
    train_one: list[Member],
    tmp_path: Path,
    strategy: StrategyName,
) -> None:
    arm = run_strategy_arm(book, strategy, CONTRACT, CONFIG, tmp_path)
    training, validation = split(book, 0)
    assert seen["given"][0].tolist() == training
    assert seen["validated"][0].tolist() == validation
    n_zeros = training.count(0)
    drawn = [n_zeros, n_zeros if strategy in ("oversample", "smote_nc") else training.count(1)]
    assert np.bincount(seen["drawn"][0]).tolist() == drawn
    assert train_one[0].n_training_rows == sum(drawn)
    check_scored(book, arm)


def check_scored(book: CuratedBook, arm: ScoredArm) -> None:
    source, scored = read_labelled(book), arm.read()
    assert scored["policyholder_id"].tolist() == source["policyholder_id"].to_pylist()
    assert scored["response"].tolist() == source["response"].to_pylist()
    assert scored["response"].sum() == book.n_positive


@pytest.mark.slow
def test_undersampling_leaves_validated_and_scored_rows_the_prevalence_of_the_source(
    book: CuratedBook, seen: dict[str, list[np.ndarray]], tmp_path: Path
) -> None:
    n_epochs = 5  # of 17 steps: after one it knows next to nothing
    config = CONFIG.model_copy(update={"max_epochs": n_epochs, "patience": n_epochs})
    arm = run_strategy_arm(book, "undersample", CONTRACT, config, tmp_path)
    for fold in range(N_FOLDS):
        training, validation = split(book, fold)
        assert seen["given"][fold].tolist() == training
        assert seen["drawn"][fold].mean() == 0.5
        for epoch in range(n_epochs):
            assert seen["validated"][fold * n_epochs + epoch].tolist() == validation
    check_scored(book, arm)
    mean = arm.read()["probability"].mean()
    assert mean == pytest.approx(book.n_positive / 6000, rel=0.25)
