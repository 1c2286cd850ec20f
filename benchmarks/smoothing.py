"""How much to smooth probabilities: the factor of propensity/calibration.py, where truth is known.

    .venv/bin/python benchmarks/smoothing.py

Simulated books of several sizes and prevalences are learnt as a night learns, cross-fitted. What a
factor gains is the fall in log loss that the true probabilities expect, summed over policyholders,
in nats. The books are others than those of benchmarks/truth.py, which judges what was chosen here.
"""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from propensity.calibration import AVERAGE_ROWS, smooth_probabilities
from propensity.contract import load_contract
from propensity.crossfit import train_member
from propensity.dataset import ingest_files
from propensity.folds import N_FOLDS
from propensity.registry import ModelVersion
from propensity.scorer import score_labelled
from propensity.settings import NightlyConfig
from propensity.simulate import simulate_book

CONTRACT = load_contract()
BOOKS = (
    *((rows, 0.1226, seed) for rows in (20_000, 60_000, 300_000) for seed in (0, 1)),
    (300_000, 0.1226, 2),
    (300_000, 0.1226, 3),
    (1_000_000, 0.1226, 4),
    *((100_000, prevalence, 2) for prevalence in (0.02, 0.05, 0.3, 0.5)),
)
FACTORS = 1 / 12, 1 / 6, 1 / 3, 2 / 3, 4 / 3
Floats = NDArray[np.float64]


def learn(folder: Path, n_rows: int, prevalence: float, seed: int) -> tuple[pd.DataFrame, Any]:
    """Return scores without smoothing beside the truth, and one of the members."""
    csv, truth = folder / "book.csv", folder / "truth.parquet"
    simulate_book(csv, n_rows=n_rows, seed=seed, prevalence=prevalence, truth=truth)
    book = ingest_files([csv], CONTRACT, folder / "curated")
    config = NightlyConfig()
    members = [train_member(book, k, CONTRACT, config, folder) for k in range(N_FOLDS)]
    bare = tuple(dataclasses.replace(m, n_source_rows=0) for m in members)
    version = ModelVersion("benchmark", folder, CONTRACT.digest, bare)
    scored = score_labelled(book, version, CONTRACT)
    return scored.merge(pd.read_parquet(truth), on="policyholder_id", validate="1:1"), members[0]


def expect_log_loss(true: Floats, scored: NDArray[Any]) -> float:
    """Sum over policyholders, in nats."""
    p = np.clip(scored.astype(np.float64), 1e-12, 1 - 1e-7)
    return -float((xlogy(true, p) + xlogy(1 - true, 1 - p)).sum())


def measure(n_rows: int, prevalence: float, seed: int) -> list[float]:
    """Print the row of a book; return what each factor gains."""
    with tempfile.TemporaryDirectory() as name:
        scored, member = learn(Path(name), n_rows, prevalence, seed)
    bare, true = scored["probability"].to_numpy(), scored["true_probability"].to_numpy()
    counts = member.n_source_rows, member.n_source_ones
    before = expect_log_loss(true, bare)
    gains = [
        before - expect_log_loss(true, smooth_probabilities(bare, *counts, f)) for f in FACTORS
    ]
    last = np.argsort(bare)[: n_rows // 10]
    smoothed = smooth_probabilities(bare[last], *counts)
    sums = (float(a.sum(dtype=np.float64)) for a in (bare[last], smoothed, true[last]))
    figures = " | ".join(f"{x:+.1f}" for x in gains) + "".join(f" | {x:.1f}" for x in sums)
    print(f"| {n_rows:,} | {prevalence} | {seed} | {figures} |", flush=True)
    return gains


def main() -> None:
    """Print a row a book, and the mean gains."""
    factors = " | ".join(f"{f:.3f}" for f in FACTORS)
    print(f"| rows | prevalence | seed | {factors} | last tenth, as learnt | smoothed | true |")
    print("|" + "---:|" * (len(FACTORS) + 6))
    means = np.mean([measure(*book) for book in BOOKS], axis=0)
    print(f"| mean | | | {' | '.join(f'{g:+.1f}' for g in means)} | | | |")
    print(f"\nUsed: {AVERAGE_ROWS:.3f}")


if __name__ == "__main__":
    main()
