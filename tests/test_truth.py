"""What a night says of its scores is true: held against known probabilities, over many books.

The scores are those of real members, trained on one simulated book; the books that are judged hold
policyholders that no member has seen, with responses drawn anew from their true probabilities.
benchmarks/truth.py measures the same with more members, more rows and more books.
"""

import dataclasses
import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import logit
from threadpoolctl import threadpool_limits

from propensity.evaluation.recalibration import recalibrate_if_better
from propensity.folds import N_FOLDS
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import load_contract
from propensity.metrics.calibration_error import measure_calibration_error
from propensity.model.cross_fitting import train_member
from propensity.model.prediction import Scorer, correct
from propensity.model.store import Member, ModelVersion, encoder_path, model_path
from propensity.settings import STRATEGIES, NightlyConfig

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
CONTRACT = load_contract()
N_TRAINED, N_HELD_OUT = 60_000, 60_000
CORRECTED = ("class_weight", "undersample", "oversample", "focal")
N_REAL = 323_394
"""Rows of the real table."""
BOUND = 0.005 * (300_000 / N_TRAINED) ** 0.5
"""The error of 300,000 rows; that of fewer is larger with the root of their number."""


@pytest.fixture(scope="module")
def truth() -> Iterator[ModuleType]:
    """The benchmark's module, imported as the script does: by its folder."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    with threadpool_limits(1):  # more of them only wait for one another on two columns
        yield importlib.import_module("truth_books")
    sys.path.remove(str(ROOT / "benchmarks"))


@dataclasses.dataclass(frozen=True, eq=False)
class Held:
    """Policyholders no member has seen; one draw of their responses; scores by strategy."""

    rows: pa.Table
    true: np.ndarray
    response: np.ndarray
    raw: dict[str, np.ndarray]
    corrected: dict[str, np.ndarray]
    """The odds put right, nothing else."""
    smoothed: dict[str, np.ndarray]
    corrected_early: dict[str, np.ndarray]
    """After so few epochs that little is learnt by heart: what is left is the correction."""

    @property
    def fold(self) -> np.ndarray:
        return self.rows["fold"].to_numpy()

    def publish(self, strategy: str) -> np.ndarray:
        """Recalibrate as a night does."""
        columns = self.response, self.smoothed[strategy], self.fold
        frame = pa.table(dict(zip(("response", "probability", "fold"), columns, strict=True)))
        return recalibrate_if_better(frame.to_pandas()).apply(*columns[1:])


@pytest.fixture(scope="module")
def held(truth, tmp_path_factory) -> Held:
    """Train a member a strategy on one book and score another with it."""
    folder = tmp_path_factory.mktemp("truth")
    rows, true = truth.simulate_population(N_TRAINED + N_HELD_OUT, seed=1)
    response = (np.random.default_rng(2).random(len(true)) < true).astype(np.int8)
    part = folder / "part.parquet"
    pq.write_table(rows.append_column("response", pa.array(response)).slice(0, N_TRAINED), part)
    counts = N_TRAINED, 0, N_TRAINED, int(response[:N_TRAINED].sum())
    book, others = CuratedBook((part,), folder, *counts), rows.slice(N_TRAINED)
    found = Held(others, true[N_TRAINED:], response[N_TRAINED:], {}, {}, {}, {})
    for strategy in STRATEGIES:
        member, scorer = train_one(book, strategy, folder / strategy)
        # the only member there is scores all of them
        by_member = others.drop_columns(["fold"]).append_column(
            "fold", pa.array(np.zeros(N_HELD_OUT, dtype=np.int8))
        )
        found.raw[strategy] = scorer.score_raw(by_member)
        found.corrected[strategy] = correct_only(member, found.raw[strategy])
        found.smoothed[strategy] = scorer.score(by_member)
        if strategy in CORRECTED:
            member, early = train_one(book, strategy, folder / f"{strategy}-early", max_epochs=3)
            found.corrected_early[strategy] = correct_only(member, early.score_raw(by_member))
    return found


def correct_only(member: Member, raw: np.ndarray) -> np.ndarray:
    """Put the odds right without smoothing."""
    return correct(logit(raw.astype(float)), dataclasses.replace(member, n_source_rows=0))


def train_one(book: CuratedBook, strategy: str, folder: Path, **options) -> tuple[Member, Scorer]:
    """Train the member of fold 0 and make a version of it: a night has five, which takes longer."""
    member = train_member(book, 0, CONTRACT, NightlyConfig(strategy=strategy, **options), folder)
    for fold in range(1, N_FOLDS):
        shutil.copy(model_path(folder, 0), model_path(folder, fold))
        shutil.copy(encoder_path(folder, 0), encoder_path(folder, fold))
    members = tuple(dataclasses.replace(member, fold=k) for k in range(N_FOLDS))
    return member, Scorer(ModelVersion(strategy, folder, CONTRACT.digest, members), CONTRACT)


@pytest.fixture(scope="module")
def pool(truth, held: Held):
    """Two real models: candidate and champion."""
    return truth.Pool(held.rows, held.true, held.publish("class_weight"), held.publish("none"))


# Probabilities


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_published_probabilities_are_the_true_ones_on_average(strategy: str, held: Held) -> None:
    published = held.publish(strategy)
    assert measure_calibration_error(held.true, published) < BOUND
    assert measure_calibration_error(held.response, published) < BOUND
    if strategy != "none":  # what a strategy learns is no probability, or there is nothing to test
        assert measure_calibration_error(held.true, held.raw[strategy]) > 4 * BOUND


@pytest.mark.parametrize("strategy", ["none", *CORRECTED])
def test_where_hardly_anybody_buys_smoothed_scores_are_nearer_the_truth(
    strategy: str, held: Held
) -> None:
    """A network alone promises a fraction of those who come."""
    bare, smoothed = held.corrected[strategy], held.smoothed[strategy]
    for last in np.array_split(np.argsort(bare), 10)[:2]:
        promised, ours, true = (float(p[last].sum()) for p in (bare, smoothed, held.true))
        assert promised < 0.7 * true
        assert abs(ours - true) < 0.6 * abs(promised - true)


@pytest.mark.parametrize("strategy", CORRECTED)
def test_arithmetic_alone_puts_the_odds_right(strategy: str, held: Held) -> None:
    """A recalibration would hide a wrong correction."""
    assert measure_calibration_error(held.true, held.corrected_early[strategy]) < BOUND


def test_as_many_buy_in_each_decile_as_the_interval_says(truth, pool) -> None:
    right = dataclasses.replace(pool, scores=pool.true.astype(np.float32))
    wrong = dataclasses.replace(pool, scores=(0.8 * pool.true).astype(np.float32))
    shares = [truth.measure_deciles(p, 20_000, 50, seed=0).share for p in (right, pool)]
    # of 500 deciles; a standard error is 0.01
    assert shares[0] == pytest.approx(0.95, abs=0.03)
    # the interval is of the coins alone: what is missing is the error of the network, 0.005
    assert 0.75 < shares[1] < 0.97
    # and a night finds such an error and puts it right
    assert truth.measure_deciles(wrong, 20_000, 10, seed=0).share > 0.85


# The interval of F1


def test_the_interval_of_f1_holds_the_true_f1_in_95_per_cent_of_books(truth, pool) -> None:
    found = truth.measure_coverage(pool, 20_000, 200, seed=0)
    assert 0.93 <= found.covered.share <= 0.97
    assert abs(found.mean_error) < found.mean_width / 20


# The gate


def test_the_mirrored_models_are_equal_and_differ(truth, pool) -> None:
    equal = pool.mirror()
    best = [truth.find_best_f1(equal.true, s) for s in (equal.scores, equal.rival)]
    assert best[0] == pytest.approx(best[1], abs=1e-12)
    assert not np.allclose(equal.scores, equal.rival)


def test_an_equal_model_is_promoted_no_more_often_than_stated(truth, pool) -> None:
    equal = pool.mirror()
    # 2.5 %: of 300 books 15 or more would come by chance in 1 %, of 20 books 3
    assert truth.measure_promotions(equal, 20_000, 300, seed=0, margin=0.0).n_times <= 14
    assert truth.measure_promotions(equal, N_REAL, 20, seed=0).n_times <= 2


def test_a_model_better_by_twice_the_margin_is_promoted_in_90_per_cent(truth, pool) -> None:
    better = pool.handicap_rival(0.004)
    gap = truth.find_best_f1(better.true, better.scores)
    gap -= truth.find_best_f1(better.true, better.rival)
    assert gap == pytest.approx(0.004, abs=1e-4)
    assert truth.measure_promotions(better, N_REAL, 20, seed=0).n_times >= 18
    # a much better one differs from the champion in many slices: none of them may stop it
    much = pool.handicap_rival(0.015)
    assert truth.measure_promotions(much, N_REAL, 10, seed=0).n_times == 10
    swapped = dataclasses.replace(better, scores=better.rival, rival=better.scores)
    assert truth.measure_promotions(swapped, N_REAL, 5, seed=0).n_times == 0
