"""Are the intervals, the probabilities and the gate right? Held against known probabilities.

    .venv/bin/python benchmarks/truth.py [FOLDER [ROWS [BOOKS]]]

Every strategy is trained on a simulated book of ROWS (300,000), cross-fitted as `propensity
compare` does it. Its scores stay in FOLDER: a strategy that is found there is not trained again.
The scores of class_weight, and those of the same network from another seed, are then the pool that
BOOKS (200) books a figure are drawn from; cheap figures take ten times as many. In the last table
five models are trained anew for each book. Everything is seeded; tests/test_truth.py holds the same
functions to the same bounds on less.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits
from truth_books import (
    CONTRACT,
    Coverage,
    Floats,
    Pool,
    Scores,
    Share,
    blur_truth,
    count_agreeing_deciles,
    find_best_f1,
    frame_scores,
    judge_book,
    measure_collapses,
    measure_coverage,
    measure_deciles,
    measure_promotions,
    simulate_population,
    sum_up,
)

from propensity.comparison.training import run_strategy_arm
from propensity.evaluation.recalibration import recalibrate_if_better
from propensity.folds import N_FOLDS
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.curation import ingest_files
from propensity.metrics.calibration_error import measure_calibration_error
from propensity.model.encoder import fit_encoder
from propensity.settings import STRATEGIES, NightlyConfig, StrategyName
from propensity.simulation.book import simulate_book

SMALL, REAL = 20_000, 323_394
"""Rows of a book; the second is how many of the real table have a known response."""
BETTER = 2 * NightlyConfig().promotion_margin
BETTER_BY = BETTER, 0.01, 0.02
"""The better a model is the more it differs from the champion, in each slice too."""
SEED = 20
"""Of a book on which nothing was chosen; smoothing and recalibration were, on seeds 0 to 4."""
OTHER_SEED = 30
N_POOL = 200_000
BLUR = 0.3
"""Of logits; with it the best F1 is that of a network that learnt from 60,000 rows."""


def simulate(folder: Path, n_rows: int) -> tuple[CuratedBook, pa.Table, Floats]:
    """Simulate a book, read it as a night does, and find the truth of each of its rows."""
    truth = folder / "truth.parquet"
    simulate_book(folder / "book.csv", n_rows=n_rows, seed=SEED, truth=truth)
    book = ingest_files([folder / "book.csv"], CONTRACT, folder / "curated")
    rows = read_labelled(book)
    known = pd.read_parquet(truth).set_index("policyholder_id")["true_probability"]
    true = known.loc[rows["policyholder_id"].to_numpy()].to_numpy()
    return book, rows.drop_columns(["response"]), true


def score(book: CuratedBook, strategy: StrategyName, folder: Path, seed: int) -> pd.DataFrame:
    """Score the book by a strategy, cross-fitted, unless that was done before."""
    mine = folder / f"seed-{seed}"
    path = mine / f"{strategy}.parquet"
    if not path.exists():
        run_strategy_arm(book, strategy, CONTRACT, NightlyConfig(seed=seed), mine)
    return pd.read_parquet(path)


def print_calibration(name: str, scores: pd.DataFrame, true: Floats) -> Scores:
    """Print the row of a strategy; return its scores as a night would publish them."""
    response, fold = scores["response"].to_numpy(), scores["fold"].to_numpy()
    corrected = scores["probability"].to_numpy()
    recalibration = recalibrate_if_better(scores)
    published = recalibration.apply(corrected, fold)
    steps = scores["raw_probability"].to_numpy(), corrected, published
    errors = [f"{measure_calibration_error(true, step):.4f}" for step in steps]
    errors.append(f"{measure_calibration_error(response, published):.4f}")
    n_agree, n_deciles = count_agreeing_deciles(response, published)
    kept = "yes" if recalibration.curves else "no"
    print(f"| {name} | {' | '.join(errors)} | {kept} | {n_agree} of {n_deciles} |", flush=True)
    return published


def print_coverage(name: str, n_rows: int, found: Coverage) -> None:
    """Print a row of the coverage table."""
    figures = f"{found.covered} | {found.mean_error:+.5f} | {found.mean_width:.4f}"
    print(f"| {name} | {n_rows:,} | {found.covered.n_trials:,} | {figures} |", flush=True)


def print_share(name: str, n_rows: int, found: Share) -> None:
    """Print a row of a table of shares."""
    print(f"| {name} | {n_rows:,} | {found.n_trials:,} | {found} |", flush=True)


def print_gate(title: str, pool: Pool, n_books: int) -> None:
    """Print how often the gate promotes an equal model and better ones."""
    equal = pool.mirror()
    for n_rows, n in ((SMALL, 10 * n_books), (REAL, n_books)):
        found = measure_promotions(equal, n_rows, n, SEED, margin=0.0)
        print_share(f"{title}, equal, margin 0", n_rows, found)
    print_share(f"{title}, equal", REAL, measure_promotions(equal, REAL, n_books, SEED))
    print_share(
        f"{title}, equal, a slice collapses", REAL, measure_collapses(equal, REAL, n_books, SEED)
    )
    for gap, n_rows in ((BETTER, 100_000), *((gap, REAL) for gap in BETTER_BY)):
        found = measure_promotions(pool.handicap_rival(gap), n_rows, n_books, SEED)
        print_share(f"{title}, better by {gap}", n_rows, found)


def print_retrained(rows: pa.Table, true: Floats, n_rows: int, n_books: int) -> None:
    """Train five models anew for each book: what was learnt from it is as random as its F1."""
    inputs = np.column_stack(fit_encoder(rows, CONTRACT).encode(rows))
    fold = rows["fold"].to_numpy()
    rng, found, deciles = np.random.default_rng(SEED), [], []
    for _ in range(n_books):
        drawn = rng.choice(len(true), n_rows, replace=False)
        response = (rng.random(n_rows) < true[drawn]).astype(np.int8)
        pool = Pool(rows, true, _cross_fit(inputs, fold, drawn, response), np.empty(0, np.float32))
        found.append(judge_book(pool, drawn, response))
        scored = frame_scores(response, pool.scores[drawn], fold[drawn])
        published = recalibrate_if_better(scored).apply(pool.scores[drawn], fold[drawn])
        deciles.append(count_agreeing_deciles(response, published))
    print_coverage("boosted trees, trained anew for each book", n_rows, sum_up(found))
    n_agree, n_deciles = np.sum(deciles, axis=0).tolist()
    print(f"\nTheir deciles that agree, {n_rows:,} rows: {Share(n_agree, n_deciles)}", flush=True)


def _cross_fit(
    inputs: NDArray[np.float32], fold: NDArray[np.int8], drawn: NDArray[np.int64], response: Scores
) -> Scores:
    """Score everybody by the model of their fold, learnt from the other folds of the book."""
    scores = np.empty(len(inputs), dtype=np.float32)
    for k in range(N_FOLDS):
        others = fold[drawn] != k
        model = HistGradientBoostingClassifier(max_iter=30, learning_rate=0.2, random_state=SEED)
        model.fit(inputs[drawn[others]], response[others])
        scores[fold == k] = model.predict_proba(inputs[fold == k])[:, 1]
    return scores


def main(folder: Path, n_rows: int = 300_000, n_books: int = 200) -> None:
    """Print the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    book, rows, true = simulate(folder, n_rows)
    print(f"Best F1 that any model can reach: {find_best_f1(true, true):.4f}\n")
    print("Calibration error against the true probabilities, and against the responses\n")
    print(
        "| strategy | as learnt | corrected | published | published, by responses "
        "| recalibrated | deciles that agree |\n|---|---:|---:|---:|---:|---|---|"
    )
    published = {s: print_calibration(s, score(book, s, folder, SEED), true) for s in STRATEGIES}
    other = score(book, "class_weight", folder, OTHER_SEED)
    rival = print_calibration("class_weight, another seed", other, true)
    pool = Pool(rows, true, published["class_weight"], rival)
    drawn, strayed = simulate_population(N_POOL, OTHER_SEED)
    rng = np.random.default_rng(SEED)
    blurred = Pool(drawn, strayed, *(blur_truth(strayed, BLUR, rng) for _ in range(2)))
    print("\n| scores | rows | books | true F1 in the 95 % interval | mean error | mean width |")
    print("|---|---:|---:|---|---:|---:|")
    with threadpool_limits(1):  # more of them only wait for one another on two columns
        for name, one, n in (("network", pool, 10 * n_books), ("truth, blurred", blurred, n_books)):
            print_coverage(name, SMALL, measure_coverage(one, SMALL, 10 * n_books, SEED))
            print_coverage(name, n_rows, measure_coverage(one, n_rows, n, SEED))
    print_retrained(drawn, strayed, SMALL, n_books)
    with threadpool_limits(1):
        print("\n| scores | rows | books | promoted, or stopped |\n|---|---:|---:|---|")
        print_gate("two seeds of the network", pool, n_books)
        print_gate("truth, blurred twice", blurred, n_books)
        print("\n| scores | rows | deciles | actual buyers in the interval |\n|---|---:|---:|---|")
        for size in (SMALL, n_rows):
            print_share("network", size, measure_deciles(pool, size, n_books, SEED))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        where, *sizes = sys.argv[1:] or [name]
        main(Path(where), *map(int, sizes))
