"""What each part of the network is worth, judged on the development half of the policyholders.

    .venv/bin/python benchmarks/ablation.py ../shared/data/*.csv.gz

    .venv/bin/python benchmarks/ablation.py ../shared/data/*.csv.gz rank cross    (some rows)

Each row leaves one part out or alters it. All are cross-fitted on everybody and judged on the half
of the policyholders on which the settings were chosen; benchmarks/quality.py has the other half.
Three seeds each: the spread between them is noise that a difference has to exceed.
"""

import dataclasses
import gc
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
from numpy.typing import NDArray
from quality import CONTRACT, DEVELOPMENT_SALT, SEEDS, run_network
from sklearn.metrics import average_precision_score, roc_auc_score

from propensity.folds import select_share
from propensity.ingest.book import CuratedBook
from propensity.ingest.curation import ingest_files
from propensity.model import (
    cross_fitting,
    encoder,
    network,
    network_family,
    target_encoding,
    training_loop,
)
from propensity.model.encoded_rows import EncodedRows
from propensity.model.imbalance import TrainingPlan, plan_training
from propensity.model.network.early_stopping import ScoredEpoch, ValidationScores
from propensity.model.target_encoding import fit_statistics
from propensity.settings import NightlyConfig, StrategyName


def hide_statistics(
    pairs: Any, cells: NDArray[np.int32], *_: Any
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Show nothing in their place."""
    return np.zeros(pairs.starts[-1], np.float32), np.zeros(cells.shape, np.float32)


def show_own(
    pairs: Any, cells: NDArray[np.int32], responses: Any, part: Any, n_made: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Let training rows see what scored rows see: cells in which their own response counts."""
    table, _ = fit_statistics(pairs, cells, responses, part, n_made)
    return table, table[cells]


def is_worse(self: ValidationScores, now: ScoredEpoch) -> bool:
    """However little."""
    return self.best is not now


def draw_as_many(strategy: StrategyName, rows: EncodedRows, seed: int) -> TrainingPlan:
    """Go through the few that undersampling leaves until as many steps are taken as with all."""
    plan, n_rows = plan_training(strategy, rows, seed), len(rows.responses)
    times = -(-n_rows // len(plan.rows))
    return dataclasses.replace(plan, rows=np.tile(plan.rows, times)[:n_rows])


def stay(rate: float, _: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Keep the learning rate."""
    return keras.optimizers.schedules.ExponentialDecay(rate, 1, 1.0)


ARMS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "as it is": ({}, []),
    "without target statistics": ({}, [(network_family, "fit_statistics", hide_statistics)]),
    "statistics of their own responses too": ({}, [(network_family, "fit_statistics", show_own)]),
    "without cross layers": ({}, [(network, "N_CROSSES", 0)]),
    "one cross layer": ({}, [(network, "N_CROSSES", 1)]),
    "three cross layers": ({}, [(network, "N_CROSSES", 3)]),
    "rank 32": ({}, [(network, "CROSS_RANK", 32)]),
    "rank 128": ({}, [(network, "CROSS_RANK", 128)]),
    "embeddings of width 1": ({}, [(network, "EMBEDDING_WIDTH", 1)]),
    "embeddings of width 3": ({}, [(network, "EMBEDDING_WIDTH", 3)]),
    "embeddings of width 10": ({}, [(network, "EMBEDDING_WIDTH", 10)]),
    "one bin, a number as it is": ({}, [(encoder, "N_BINS", 1)]),
    "8 bins": ({}, [(encoder, "N_BINS", 8)]),
    "32 bins": ({}, [(encoder, "N_BINS", 32)]),
    "values of 5 rows and more": ({}, [(encoder, "MIN_ROWS_OF_VALUE", 5)]),
    "statistics smoothed with 5 rows": ({}, [(target_encoding, "PRIOR_ROWS", 5)]),
    "statistics smoothed with 80 rows": ({}, [(target_encoding, "PRIOR_ROWS", 80)]),
    "without class weights": ({"strategy": "none"}, []),
    "without weight decay": ({}, [(training_loop, "WEIGHT_DECAY", 0.0)]),
    "3 epochs": ({"max_epochs": 3}, []),
    "5 epochs": ({"max_epochs": 5}, []),
    "10 epochs": ({"max_epochs": 10}, []),
    "a rate that does not decay": (
        {},
        [(training_loop.keras.optimizers.schedules, "CosineDecay", stay)],
    ),
    "batches of 512": ({"batch_size": 512}, []),
    "batches of 2,048": ({"batch_size": 2048}, []),
    "the epoch of the highest F1": (
        {"patience": 100},
        [(ValidationScores, "_is_clearly_worse", is_worse)],
    ),
    "undersampling": ({"strategy": "undersample"}, []),
    "undersampling, as many steps": (
        {"strategy": "undersample"},
        [(cross_fitting, "plan_training", draw_as_many)],
    ),
}


def run_arm(book: CuratedBook, settings: dict[str, Any], patches: list[Any]) -> None:
    """Print the figures of each seed."""
    for seed in SEEDS:
        started = [patch.object(*what) for what in patches]
        for one in started:
            one.start()
        scored, seconds, _ = run_network(book, NightlyConfig(seed=seed, **settings))
        for one in started:
            one.stop()
        judged = select_share(scored["policyholder_id"].to_numpy(), 0.5, DEVELOPMENT_SALT)
        response, probability = scored["response"][judged], scored["probability"][judged]
        area = roc_auc_score(response, probability)
        precision = average_precision_score(response, probability)
        print(f" {area:.5f} | {precision:.5f} | {seconds:.0f} |", end="", flush=True)
        keras.backend.clear_session()
        gc.collect()  # 80 MB a member, and there are hundreds of them


def main(files: list[str], words: list[str]) -> None:
    """Print a row an arm; of some only those that have one of the words."""
    titles = [f"ROC AUC, seed {s} | AP, seed {s} | fit, s" for s in SEEDS]
    print(f"| | {' | '.join(titles)} |\n|---|{'---:|' * 3 * len(SEEDS)}")
    with tempfile.TemporaryDirectory() as name:
        book = ingest_files([Path(f) for f in files], CONTRACT, Path(name))
        for title, (settings, patches) in ARMS.items():
            if not words or any(word in title for word in words):
                print(f"| {title} |", end="")
                run_arm(book, settings, patches)
                print(flush=True)


if __name__ == "__main__":
    main(
        [word for word in sys.argv[1:] if Path(word).exists()],
        [word for word in sys.argv[1:] if not Path(word).exists()],
    )
