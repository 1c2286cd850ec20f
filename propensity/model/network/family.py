"""The family of Keras networks, trained epoch by epoch with early stopping."""

from pathlib import Path

from propensity.model.network.architecture import (
    Predictor,
    add_statistics,
    build_network,
    load_network,
    seed_everything,
)
from propensity.model.network.early_stopping import ValidationScores
from propensity.model.network.training_loop import fit_network
from propensity.model.records import Fitted, OnEpoch, TrainingData
from propensity.model.target_encoding import fit_statistics, pair_features
from propensity.settings import NightlyConfig
from propensity.storage.atomic_write import write_whole


def fit(
    data: TrainingData, config: NightlyConfig, seed: int, path: Path, on_epoch: OnEpoch
) -> Fitted:
    """Train a network and save it in the Keras format.

    Raises:
        ModelError: Training diverged.
    """
    seed_everything(seed)
    encoder, rows = data.encoder, data.rows
    pairs = pair_features(encoder)
    cells = pairs.find_cells(rows.codes, rows.numbers)
    table, statistics = fit_statistics(pairs, cells, rows.responses, rows.part, data.plan.n_made)
    network = build_network(encoder, pairs, seed)
    model = add_statistics(network, encoder, pairs, table)
    watch = ValidationScores(model, data.validation, config.patience, on_epoch)
    inputs = rows.codes, rows.numbers, statistics
    fit_network(network, inputs, rows.responses, data.plan, config, seed, watch)
    watch.restore_kept()
    with write_whole(path, ".keras") as unfinished:  # Keras requires the suffix
        model.save(unfinished)
    kept = watch.kept.score
    return Fitted(watch.predictor, kept.f1, kept.validation_average_precision, watch.n_epochs)


def load(path: Path) -> Predictor:
    """Read a saved network without running code from the file."""
    return Predictor(load_network(path))
