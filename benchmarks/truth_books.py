"""Books drawn from policyholders whose true probabilities are known, and what is claimed of them.

A pool is the population: policyholders with their true probability and the scores of one or two
models that are not the truth. A book is a sample of them with responses drawn anew, judged as a
night judges its own. What the night says of it is held against the same figure of the pool, which
is exact: the F1 of decisions d is 2 sum(p d) / (sum(d) + sum(p)).
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import binomtest

from propensity.evaluation.deciles import compare_buyers
from propensity.evaluation.gate import decide
from propensity.evaluation.recalibration import recalibrate_if_better
from propensity.evaluation.records import Contender, Contest, Decision
from propensity.evaluation.slices import Slice, measure_slices
from propensity.folds import assign_folds
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import load_contract
from propensity.metrics.classification import compare_f1, measure_f1
from propensity.metrics.evaluation import evaluate_scores
from propensity.metrics.records import Baseline
from propensity.metrics.threshold import predict_responses
from propensity.model.store import ModelVersion
from propensity.settings import NightlyConfig
from propensity.simulation.book import simulate_rows

CONTRACT = load_contract()
DEFAULTS = NightlyConfig()
Floats = NDArray[np.float64]
Scores = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pool:
    """The population that books are drawn from; all of shape (n,).

    Args:
        rows: Ids, folds and features, under the names of the contract.
        true: Probability of a yes.
        scores: Of the model in question.
        rival: Of another model: in a contest the champion.
    """

    rows: pa.Table
    true: Floats
    scores: Scores
    rival: Scores

    @property
    def fold(self) -> NDArray[np.int8]:
        """Of each policyholder."""
        return self.rows["fold"].to_numpy()

    def mirror(self) -> "Pool":
        """Give everyone a double whose two scores are exchanged: now both models are equal.

        They are equal exactly, in the book and in every slice, and as different in their decisions
        as they were.
        """
        return Pool(
            pa.concat_tables([self.rows, self.rows]).combine_chunks(),
            np.tile(self.true, 2),
            np.concatenate([self.scores, self.rival]),
            np.concatenate([self.rival, self.scores]),
        )

    def handicap_rival(self, gap: float) -> "Pool":
        """Blur the rival with noise until its best F1 lies below that of the scores by `gap`."""
        noise = np.random.default_rng(0).normal(size=len(self.true))
        target = find_best_f1(self.true, self.scores) - gap

        def blur(sd: float) -> Scores:
            return np.asarray(expit(logit(self.rival.astype(float)) + sd * noise), np.float32)

        sd = brentq(lambda sd: find_best_f1(self.true, blur(sd)) - target, 0.0, 3.0, xtol=1e-3)
        return replace(self, rival=blur(sd))


@dataclass(frozen=True)
class Share:
    """How often something happened."""

    n_times: int
    n_trials: int

    @property
    def share(self) -> float:
        """Of the trials."""
        return self.n_times / self.n_trials

    def __str__(self) -> str:
        """Write the share with its exact 95 % interval (Clopper, Pearson 1934)."""
        ends = binomtest(self.n_times, self.n_trials).proportion_ci()
        return f"{self.share:.1%} ({ends.low:.1%} to {ends.high:.1%})"


def simulate_population(n_rows: int, seed: int) -> tuple[pa.Table, Floats]:
    """Simulate policyholders under the names of the contract, with their true probabilities."""
    table, true = simulate_rows(n_rows, np.random.default_rng(seed))
    ids = table["id"].to_numpy()
    columns = {"policyholder_id": ids, "fold": assign_folds(ids)}
    columns |= {c.name: table[c.name].cast(c.arrow_type) for c in CONTRACT.features}
    return pa.table(columns), true


def blur_truth(true: Floats, sd: float, rng: np.random.Generator) -> Scores:
    """Make a model of the truth: exaggerated, and each policyholder wrong by chance."""
    strayed = 1.1 * logit(true) + rng.normal(0, sd, len(true))
    return np.asarray(expit(strayed), dtype=np.float32)


def measure_true_f1(true: Floats, predicted: NDArray[np.int8]) -> float:
    """F1 of decisions among everybody, not of one draw of their responses."""
    return float(2 * (true @ predicted) / (predicted.sum() + true.sum()))


def find_best_f1(true: Floats, scores: Scores) -> float:
    """F1 of a model at its best threshold."""
    order = np.argsort(-scores)
    ends = np.append(np.diff(scores[order]) != 0, True)
    f1 = 2 * np.cumsum(true[order]) / (np.arange(1, len(true) + 1) + true.sum())
    return float(f1[ends].max())


def draw_book(pool: Pool, n_rows: int, rng: np.random.Generator) -> tuple[Any, NDArray[np.int8]]:
    """Draw policyholders, as places in the pool, and their responses."""
    drawn = rng.integers(0, len(pool.true), n_rows)
    return drawn, (rng.random(n_rows) < pool.true[drawn]).astype(np.int8)


def frame_scores(response: Any, probability: Any, fold: Any) -> pd.DataFrame:
    """Put scores as a night has them."""
    return pd.DataFrame({"response": response, "probability": probability, "fold": fold})


# The interval of F1


@dataclass(frozen=True)
class Coverage:
    """What the intervals of many books were worth.

    Args:
        covered: Books whose 95 % interval held the true F1 of the decisions made.
        mean_error: Mean of measured less true F1.
        mean_width: Mean width of the interval.
    """

    covered: Share
    mean_error: float
    mean_width: float


def measure_coverage(pool: Pool, n_rows: int, n_books: int, seed: int) -> Coverage:
    """Judge books as a night does and count the intervals that hold the truth."""
    rng = np.random.default_rng(seed)
    return sum_up([judge_book(pool, *draw_book(pool, n_rows, rng)) for _ in range(n_books)])


def sum_up(found: list[tuple[bool, float, float]]) -> Coverage:
    """Sum up what judge_book found."""
    covered, error, width = np.array(found).T
    share = Share(int(covered.sum()), len(found))
    return Coverage(share, float(error.mean()), float(width.mean()))


def judge_book(pool: Pool, drawn: Any, response: Any) -> tuple[bool, float, float]:
    """Tell whether the interval of a book holds the truth, the error, and the interval's width."""
    fold, probability = pool.fold[drawn], pool.scores[drawn]
    scored = frame_scores(response, probability, fold)
    recalibration = recalibrate_if_better(scored)
    scored["probability"] = recalibration.apply(probability, fold)
    quality = evaluate_scores(scored, seed=0, n_bootstrap=1)
    everybody = recalibration.apply(pool.scores, pool.fold)
    decisions = predict_responses(everybody, pool.fold, quality.thresholds)
    truth, interval = measure_true_f1(pool.true, decisions), quality.f1_interval
    is_covered = interval.low <= truth <= interval.high
    return is_covered, quality.f1 - truth, interval.high - interval.low


# The gate


def measure_promotions(
    pool: Pool, n_rows: int, n_books: int, seed: int, margin: float = DEFAULTS.promotion_margin
) -> Share:
    """Count the books in which the gate lets the scores replace the rival, slices and all."""
    rng = np.random.default_rng(seed)
    decisions = [hold_contest(pool, n_rows, rng, margin)[1] for _ in range(n_books)]
    return Share(sum(d.outcome == "promoted" for d in decisions), n_books)


def hold_contest(
    pool: Pool, n_rows: int, rng: np.random.Generator, margin: float, *, slices_of_all: bool = False
) -> tuple[Contest, Decision]:
    """Judge both models on one book, recalibrated as a night does it, and let the gate decide.

    Args:
        pool: Scores are the candidate's, rival the champion's.
        n_rows: Of the book.
        rng: Draws it.
        margin: Of the gate.
        slices_of_all: Also of a contest that is lost on the whole, where they decide nothing.
    """
    drawn, response = draw_book(pool, n_rows, rng)
    fold, contenders, published, predicted = pool.fold[drawn], [], [], []
    for name, scores in (("candidate", pool.scores), ("champion", pool.rival)):
        scored = frame_scores(response, scores[drawn], fold)
        published.append(recalibrate_if_better(scored).apply(scores[drawn], fold))
        quality = evaluate_scores(scored.assign(probability=published[-1]), seed=0, n_bootstrap=1)
        contenders.append(Contender(ModelVersion(name, Path(name), "", ()), quality))
        predicted.append(predict_responses(published[-1], fold, quality.thresholds))
    contest = Contest(
        contenders[0],
        (Baseline("everyone positive", measure_f1(response, np.ones_like(response))),),
        contenders[1],
        difference=compare_f1(response, *predicted, seed=0),
    )
    decision = decide(contest, margin, DEFAULTS.slice_tolerance)
    if slices_of_all or decision.outcome == "promoted":
        slices = slice_book(pool.rows.take(pa.array(drawn)), response, published[0], *predicted)
        contest = replace(contest, slices=slices)
        decision = decide(contest, margin, DEFAULTS.slice_tolerance)
    return contest, decision


def slice_book(
    rows: pa.Table, response: Any, scores: Scores, candidate: Any, champion: Any
) -> tuple[Slice, ...]:
    """Measure the slices of a book that is only in memory."""
    scored = frame_scores(response, scores, 0)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.parquet"
        pq.write_table(rows.append_column("response", pa.array(response)), part)
        counts = len(response), 0, len(response), int(response.sum())
        book = CuratedBook((part,), Path(folder), *counts)
        return measure_slices(book, CONTRACT, scored, candidate, champion, seed=0)


def measure_collapses(pool: Pool, n_rows: int, n_books: int, seed: int) -> Share:
    """Count the books in which some slice collapses, whatever the whole says."""
    rng = np.random.default_rng(seed)
    n_stopped = 0
    for _ in range(n_books):
        contest, _ = hold_contest(pool, n_rows, rng, 0.0, slices_of_all=True)
        n_stopped += any(s.collapses(DEFAULTS.slice_tolerance) for s in contest.slices)
    return Share(n_stopped, n_books)


# Buyers by decile


def count_agreeing_deciles(response: Any, probability: Any) -> tuple[int, int]:
    """Count deciles whose actual buyers lie inside the interval, and deciles."""
    deciles = compare_buyers(response, probability)
    return sum(d.agrees for d in deciles), len(deciles)


def measure_deciles(pool: Pool, n_rows: int, n_books: int, seed: int) -> Share:
    """Count, over books recalibrated as a night does it, the deciles that agree."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(n_books):
        drawn, response = draw_book(pool, n_rows, rng)
        fold, probability = pool.fold[drawn], pool.scores[drawn]
        recalibration = recalibrate_if_better(frame_scores(response, probability, fold))
        found.append(count_agreeing_deciles(response, recalibration.apply(probability, fold)))
    n_agree, n = np.sum(found, axis=0).tolist()
    return Share(n_agree, n)
