"""Quality and time of our network beside LightGBM, XGBoost and CatBoost: same rows, same folds.

    .venv/bin/python -m pip install --no-deps --require-hashes -r benchmarks/requirements.txt
    .venv/bin/python benchmarks/quality.py ../shared/data/*.csv.gz

Every policyholder is scored by a model that never saw their answer, so all figures are
cross-fitted. Settings of the network were chosen on the development half of the policyholders only
(benchmarks/ablation.py): the second table holds the figures of the other half, on which nothing
was chosen. Network and LightGBM are fitted with three seeds: differences are of the means over the
seeds, their intervals are paired: the same policyholders are drawn for all.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from propensity.evaluation.deciles import compare_buyers
from propensity.folds import N_FOLDS, select_share
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.metrics.catalog import AVERAGE_PRECISION
from propensity.metrics.evaluation import evaluate_scores
from propensity.model.cross_fitting import train_member
from propensity.model.prediction import Scorer, score_labelled
from propensity.model.store import ModelVersion
from propensity.settings import NightlyConfig

CONTRACT = load_contract()
DEVELOPMENT_SALT = 77
"""Choices may look at the half of the policyholders that this salt selects, and at no other."""
N_RESAMPLES = 1000
SEEDS = 0, 10, 20
N_THREADS = 2
Scored = tuple[pd.DataFrame, float, float]
"""A frame with probability, fold and response; seconds to fit, rows scored a second."""


def run_network(book: CuratedBook, config: NightlyConfig) -> Scored:
    """Train the five members as the nightly job does and score with them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.monotonic()
        members = [train_member(book, k, CONTRACT, config, folder) for k in range(N_FOLDS)]
        fitted = time.monotonic()
        version = ModelVersion("benchmark", folder, CONTRACT.digest, tuple(members))
        scored = score_labelled(book, version, CONTRACT)
        return scored, fitted - started, measure_rate(book, version)


def measure_rate(book: CuratedBook, version: ModelVersion) -> float:
    """Rows a second through the five networks, encoding included, once they are loaded."""
    rows, scorer = read_labelled(book), Scorer(version, CONTRACT)
    scorer.score(rows.slice(0, 1000))  # each network is traced at its first rows
    started = time.monotonic()
    scorer.score(rows)
    return rows.num_rows / (time.monotonic() - started)


def run_trees(book: CuratedBook, make: Callable[[], Any], *, as_numbers: bool = False) -> Scored:
    """Fit one model for each fold on all other folds: no rows are set aside to stop by.

    LightGBM does better here with categories as numbers, CatBoost with its own way.
    """
    rows = read_labelled(book)
    scored = rows.select(["policyholder_id", "fold", "response"]).to_pandas()
    features = rows.select([c.name for c in CONTRACT.features]).to_pandas()
    for column in CONTRACT.categories:
        category = features[column.name].astype("category")
        features[column.name] = category.cat.codes.astype(int) if as_numbers else category
    fold, response = scored["fold"].to_numpy(), scored["response"].to_numpy()
    probability, seconds = np.empty(len(scored)), np.zeros(2)
    for k in range(N_FOLDS):
        model, times = make(), [time.monotonic()]
        model.fit(features[fold != k], response[fold != k])
        times.append(time.monotonic())
        probability[fold == k] = model.predict_proba(features[fold == k])[:, 1]
        times.append(time.monotonic())
        seconds += np.diff(times)
    scored = scored.assign(probability=probability.astype(np.float32))
    return scored, float(seconds[0]), len(scored) / float(seconds[1])


def make_lightgbm(seed: int = 0) -> Any:
    """The strongest of the trees here."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=1000,
        learning_rate=0.02,
        num_leaves=31,
        min_child_samples=100,
        colsample_bytree=0.5,
        subsample=0.8,
        subsample_freq=1,
        n_jobs=N_THREADS,
        random_state=seed,
        verbose=-1,
    )


def make_xgboost() -> Any:
    """Histograms, native categories."""
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=500,
        learning_rate=0.05,
        max_depth=6,
        tree_method="hist",
        enable_categorical=True,
        n_jobs=N_THREADS,
        random_state=0,
    )


def make_catboost() -> Any:
    """Region and channel as native categories."""
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        iterations=600,
        learning_rate=0.08,
        depth=6,
        cat_features=[c.name for c in CONTRACT.categories],
        thread_count=N_THREADS,
        random_seed=0,
        allow_writing_files=False,
        verbose=False,
    )


def find_differences(
    ours: list[pd.DataFrame], theirs: list[pd.DataFrame]
) -> list[tuple[float, NDArray[np.float64]]]:
    """Ours less theirs, means over the seeds, in ROC AUC and average precision.

    Returns:
        For each of the two the difference and the ends of its 95 % bootstrap interval.
    """
    rng, n_rows = np.random.default_rng(0), len(ours[0])
    sides = [[Ranked.of(frame) for frame in frames] for frames in (ours, theirs)]

    def compare(times: NDArray[np.int64]) -> NDArray[np.float64]:
        means = [np.mean([ranked.measure(times) for ranked in side], axis=0) for side in sides]
        return np.asarray(means[0] - means[1])

    drawn = np.array([compare(rng.poisson(1.0, n_rows)) for _ in range(N_RESAMPLES)])
    ends = np.quantile(drawn, [0.025, 0.975], axis=0)
    return list(zip(compare(np.ones(n_rows, np.int64)).tolist(), ends.T, strict=True))


@dataclass(frozen=True, eq=False)
class Ranked:
    """Policyholders sorted once, the best first, to be counted many times.

    Args:
        order: Places in the book, shape (n,).
        response: In this order, 0 or 1, shape (n,).
        ends: Where a run of equal probabilities ends.
    """

    order: NDArray[np.int64]
    response: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, scored: pd.DataFrame) -> Self:
        """Sort by probability."""
        probability = scored["probability"].to_numpy()
        order = np.argsort(-probability, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True))
        return cls(order, scored["response"].to_numpy()[order].astype(np.int64), ends)

    def measure(self, times: NDArray[np.int64]) -> tuple[float, float]:
        """ROC AUC and average precision where each policyholder counts so many times."""
        drawn = times[self.order]
        yes = np.cumsum(drawn * self.response)[self.ends]
        no = np.cumsum(drawn * (1 - self.response))[self.ends]
        area = np.trapezoid(np.append(0, yes), np.append(0, no)) / (yes[-1] * no[-1])
        precision = np.diff(yes, prepend=0) @ (yes / np.maximum(yes + no, 1)) / yes[-1]
        return float(area), float(precision)


def print_table(results: dict[str, list[Scored]], keep: NDArray[np.bool_]) -> None:
    """Print a row a model and seed, over the policyholders to keep."""
    print("| model | ROC AUC | average precision | F1 (95 % interval) | tenths that agree ", end="")
    print("| last tenth: expected, came | fit, s | scored rows/s |\n|" + "---:|" * 8)
    for name, runs in results.items():
        for seed, (scored, seconds, rate) in zip(SEEDS, runs, strict=False):
            quality = evaluate_scores(scored[keep], seed=0, n_bootstrap=20)
            f1 = f"{quality.f1:.4f} ({quality.f1_interval:.4f})"
            buyers = describe_buyers(scored[keep])
            area, precision = quality.metrics["roc_auc"], quality[AVERAGE_PRECISION]
            figures = f"{area:.5f} | {precision:.5f} | {f1} | {buyers}"
            print(f"| {name}, seed {seed} | {figures} | {seconds:.1f} | {rate:,.0f} |", flush=True)
    ours, *others = results
    for other in others:
        pair = ([scored[keep] for scored, _, _ in results[name]] for name in (ours, other))
        told = [
            f"{name} {difference:+.5f} ({low:+.5f} to {high:+.5f})"
            for name, (difference, (low, high)) in zip(
                ("ROC AUC", "AP"), find_differences(*pair), strict=True
            )
        ]
        print(f"\n{ours} less {other}, means over seeds: {', '.join(told)}", flush=True)


def describe_buyers(scored: pd.DataFrame) -> str:
    """Say in how many tenths as many said yes as expected, and how many did in the last."""
    deciles = compare_buyers(scored["response"].to_numpy(), scored["probability"].to_numpy())
    last, n_agree = deciles[-1], sum(d.agrees for d in deciles)
    return f"{n_agree} of {len(deciles)} | {last.expected_buyers:.1f}, {last.actual_buyers}"


def print_budget(results: dict[str, list[Scored]]) -> None:
    """Say what the network took, and whether that is what it may take."""
    ours, theirs = (
        float(np.mean([r[1] for r in results[name]])) for name in ("network", "LightGBM")
    )
    rate = max(r[2] for r in results["network"])
    print(f"\nfit: {ours:.1f} s, {ours / theirs:.2f} of LightGBM's {theirs:.1f} (at most 1)")
    print(f"scoring through the networks: {rate:,.0f} rows/s (at least 500,000)")


def main(files: list[str]) -> None:
    """Compare on all rows, and on those that no choice looked at."""
    results: dict[str, list[Scored]] = {}
    with tempfile.TemporaryDirectory() as name:
        book = ingest_files([Path(f) for f in files], CONTRACT, Path(name))
        results["network"] = [run_network(book, NightlyConfig(seed=seed)) for seed in SEEDS]
        results["LightGBM"] = [
            run_trees(book, partial(make_lightgbm, seed), as_numbers=True) for seed in SEEDS
        ]
        results["XGBoost"] = [run_trees(book, make_xgboost)]
        results["CatBoost"] = [run_trees(book, make_catboost)]
    ids = results["network"][0][0]["policyholder_id"].to_numpy()
    print("All labelled policyholders\n")
    print_table(results, np.ones(len(ids), dtype=np.bool_))
    print_budget(results)
    print("\nThe half on which nothing was chosen\n")
    print_table(results, ~select_share(ids, 0.5, DEVELOPMENT_SALT))


if __name__ == "__main__":
    main(sys.argv[1:])
