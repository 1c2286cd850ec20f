"""What each part of the network is worth, on the development half of the policyholders.

    .venv/bin/python benchmarks/ablation.py ../shared/data/*.csv.gz

Each row leaves one part out or alters it. All are cross-fitted on the half of the policyholders on
which the settings were chosen; benchmarks/quality.py has the other half. Two seeds each: the spread
between them is noise that a difference has to exceed.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from quality import CONTRACT, DEVELOPMENT_SALT, run_network
from sklearn.metrics import average_precision_score, roc_auc_score

from propensity import crossfit, features, fitting, network
from propensity.dataset import CuratedBook, ingest_files, read_labelled
from propensity.folds import select_share
from propensity.settings import NightlyConfig
from propensity.target_statistics import fit_statistics
from propensity.validation import ScoredEpoch, ValidationScores

SEEDS = 0, 10


def hide_statistics(
    pairs: Any, cells: NDArray[np.int32], *_: Any
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Show nothing in their place."""
    return np.zeros(pairs.starts[-1], np.float32), np.zeros(cells.shape, np.float32)


def show_own(
    pairs: Any, cells: NDArray[np.int32], responses: Any, ids: Any
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Let training rows see what scored rows see: cells in which their own response counts."""
    table, _ = fit_statistics(pairs, cells, responses, ids)
    return table, table[cells]


def is_worse(self: ValidationScores, now: ScoredEpoch) -> bool:
    """However little."""
    return self.best is not now


def stay(rate: float, _: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Keep the learning rate."""
    return keras.optimizers.schedules.ExponentialDecay(rate, 1, 1.0)


ARMS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "as it is": ({}, []),
    "without target statistics": ({}, [(crossfit, "fit_statistics", hide_statistics)]),
    "statistics of their own responses too": ({}, [(crossfit, "fit_statistics", show_own)]),
    "without cross layers": ({}, [(network, "N_CROSSES", 0)]),
    "one cross layer": ({}, [(network, "N_CROSSES", 1)]),
    "three cross layers": ({}, [(network, "N_CROSSES", 3)]),
    "rank 32": ({}, [(network, "CROSS_RANK", 32)]),
    "embeddings of width 1": ({}, [(network, "EMBEDDING_WIDTH", 1)]),
    "one bin, a number as it is": ({}, [(features, "N_BINS", 1)]),
    "32 bins": ({}, [(features, "N_BINS", 32)]),
    "without class weights": ({"strategy": "none"}, []),
    "without weight decay": ({}, [(fitting, "WEIGHT_DECAY", 0.0)]),
    "3 epochs": ({"max_epochs": 3}, []),
    "a rate that does not decay": ({}, [(fitting.keras.optimizers.schedules, "CosineDecay", stay)]),
    "batches of 2,048": ({"batch_size": 2048}, []),
    "the epoch of the highest F1": (
        {"patience": 100},
        [(ValidationScores, "_is_clearly_worse", is_worse)],
    ),
}


def take_half(book: CuratedBook, folder: Path) -> CuratedBook:
    """Keep the labelled policyholders of the development half."""
    rows = read_labelled(book)
    chosen = select_share(rows["policyholder_id"].to_numpy(), 0.5, DEVELOPMENT_SALT)
    pq.write_table(rows.filter(pa.array(chosen)), folder / "half.parquet")
    return dataclasses.replace(book, parts=(folder / "half.parquet",))


def run_arm(book: CuratedBook, settings: dict[str, Any], patches: list[Any]) -> None:
    """Print the figures of each seed."""
    for seed in SEEDS:
        started = [patch.object(*what) for what in patches]
        for one in started:
            one.start()
        scored, seconds, _ = run_network(book, NightlyConfig(seed=seed, **settings))
        for one in started:
            one.stop()
        response, probability = scored["response"], scored["probability"]
        area = roc_auc_score(response, probability)
        precision = average_precision_score(response, probability)
        print(f" {area:.5f} | {precision:.5f} | {seconds:.0f} |", end="", flush=True)


def main(files: list[str]) -> None:
    """Print a row an arm."""
    titles = [f"ROC AUC, seed {s} | AP, seed {s} | fit, s" for s in SEEDS]
    print(f"| | {' | '.join(titles)} |\n|---|{'---:|' * 3 * len(SEEDS)}")
    with tempfile.TemporaryDirectory() as name:
        book = ingest_files([Path(f) for f in files], CONTRACT, Path(name))
        half = take_half(book, Path(name))
        for title, (settings, patches) in ARMS.items():
            print(f"| {title} |", end="")
            run_arm(half, settings, patches)
            print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
