"""What both steps after prior correction are worth, smoothing and recalibration, by the truth.

    .venv/bin/python benchmarks/calibration.py

Simulated books of several sizes and prevalences are learnt as a night learns, cross-fitted. A gain
is the fall in log loss that the true probabilities expect, summed over policyholders, in nats.
Factor and test level were chosen on these books; benchmarks/truth.py judges them on another.
"""

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy
from sklearn.metrics import roc_auc_score
from truth_books import (
    Floats,
    Scores,
    Share,
    count_agreeing_deciles,
    frame_scores,
    simulate_population,
)

from propensity.evaluation.calibration_curves import LARGEST, SMALLEST
from propensity.evaluation.recalibration import choose_family, recalibrate_if_better
from propensity.folds import N_FOLDS
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.metrics.calibration_error import measure_calibration_error
from propensity.model.cross_fitting import train_member
from propensity.model.prediction import score_labelled
from propensity.model.prior_correction import AVERAGE_ROWS, smooth_probabilities
from propensity.model.store import Member, ModelVersion
from propensity.settings import NightlyConfig
from propensity.simulation.book import simulate_book

CONTRACT = load_contract()
BOOKS = (
    *((rows, 0.1226, seed) for rows in (20_000, 60_000, 300_000) for seed in (0, 1)),
    (300_000, 0.1226, 2),
    (300_000, 0.1226, 3),
    (1_000_000, 0.1226, 4),
    *((100_000, prevalence, 2) for prevalence in (0.02, 0.05, 0.3, 0.5)),
)
FACTORS = 1 / 12, 1 / 6, 1 / 3, 2 / 3, 4 / 3
SMALL, N_RIGHT = 20_000, 500


@dataclasses.dataclass(frozen=True, eq=False)
class Learnt:
    """A book and its scores, neither smoothed nor recalibrated; arrays of shape (n,)."""

    name: str
    member: Member
    true: Floats
    response: NDArray[Any]
    fold: NDArray[Any]
    bare: Scores

    def smooth(self, factor: float = AVERAGE_ROWS) -> Scores:
        """Smooth by the counts of one member; the others learnt from nearly as many rows."""
        counts = self.member.n_source_rows, self.member.n_source_ones
        return smooth_probabilities(self.bare, *counts, factor)

    def find_gain(self, scores: Scores, than: Scores) -> float:
        """Return by how many nats scores are better than others."""
        return self._expect_log_loss(than) - self._expect_log_loss(scores)

    def _expect_log_loss(self, scores: Scores) -> float:
        p = np.clip(scores.astype(np.float64), SMALLEST, LARGEST)
        return -float((xlogy(self.true, p) + xlogy(1 - self.true, 1 - p)).sum())


def learn(n_rows: int, prevalence: float, seed: int) -> Learnt:
    """Train five members on a book and score it with them."""
    with tempfile.TemporaryDirectory() as name:
        folder, config = Path(name), NightlyConfig()
        csv, truth = folder / "book.csv", folder / "truth.parquet"
        simulate_book(csv, n_rows=n_rows, seed=seed, prevalence=prevalence, truth=truth)
        book = ingest_files([csv], CONTRACT, folder / "curated")
        members = [train_member(book, k, CONTRACT, config, folder) for k in range(N_FOLDS)]
        bare = tuple(dataclasses.replace(m, n_source_rows=0) for m in members)
        version = ModelVersion("benchmark", folder, CONTRACT.digest, bare)
        scored = score_labelled(book, version, CONTRACT)
        scored = scored.merge(pd.read_parquet(truth), on="policyholder_id", validate="1:1")
    columns = ("true_probability", "response", "fold", "probability")
    title = f"{n_rows:,} | {prevalence} | {seed}"
    return Learnt(title, members[0], *(scored[c].to_numpy() for c in columns))


def describe_smoothing(book: Learnt) -> Iterator[str]:
    """Give the cells of a book: what each factor gains, and the buyers in the last tenth."""
    yield from (f"{book.find_gain(book.smooth(f), book.bare):+.1f}" for f in FACTORS)
    last = np.argsort(book.bare)[: len(book.bare) // 10]
    sums = (a[last].sum(dtype=np.float64) for a in (book.bare, book.smooth(), book.true))
    yield from (f"{s:.1f}" for s in sums)


def describe_recalibration(book: Learnt) -> Iterator[str]:
    """Give the cells of a book: the family chosen, and what it changes."""
    smoothed, response = book.smooth(), book.response
    frame = frame_scores(response, smoothed, book.fold)
    recalibration = recalibrate_if_better(frame)
    published = recalibration.apply(smoothed, book.fold)
    family = choose_family(response, smoothed) if recalibration.curves else None
    yield family or "none"
    yield f"{book.find_gain(published, smoothed):+.1f}"
    for scores in (smoothed, published):
        yield f"{measure_calibration_error(book.true, scores):.4f}"
    for probability in (book.true, smoothed, published):
        yield str(count_agreeing_deciles(response, probability)[0])
    areas = [roc_auc_score(response, scores) for scores in (smoothed, published)]
    yield f"{areas[1] - areas[0]:+.4f}"


def count_needless() -> Share:
    """Count books whose scores are the truth and that are bent all the same."""
    rng, n_times = np.random.default_rng(0), 0
    rows, true = simulate_population(SMALL, seed=0)
    fold = rows["fold"].to_numpy()
    for _ in range(N_RIGHT):
        response = (rng.random(SMALL) < true).astype(np.int8)
        frame = frame_scores(response, true.astype(np.float32), fold)
        n_times += recalibrate_if_better(frame).curves is not None
    return Share(n_times, N_RIGHT)


def main() -> None:
    """Print a table a step, a row a book."""
    books: list[Learnt] = []
    factors = " | ".join(f"{f:.3f}" for f in FACTORS)
    print(f"| rows | prevalence | seed | {factors} | last tenth, as learnt | smoothed | true |")
    print("|" + "---:|" * (len(FACTORS) + 6))
    for given in BOOKS:
        books.append(learn(*given))
        print(f"| {books[-1].name} | {' | '.join(describe_smoothing(books[-1]))} |", flush=True)
    print(f"\nFactor used: {AVERAGE_ROWS:.3f}\n")
    print("| rows | prevalence | seed | second step | gain | error without | error with ", end="")
    print("| tenths that agree, true probabilities | without | with | ROC AUC |")
    print("|---:|---:|---:|---|" + "---:|" * 7)
    for book in books:
        print(f"| {book.name} | {' | '.join(describe_recalibration(book))} |", flush=True)
    print(f"\nNeedless, of {N_RIGHT} books of {SMALL:,} with true scores: {count_needless()}")


if __name__ == "__main__":
    main()
