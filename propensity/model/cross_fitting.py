"""Train the member of one fold: on the other folds, by a strategy, while it improves."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from propensity.errors import InputError, ModelError
from propensity.folds import VALIDATION_SALT, select_share
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import Contract
from propensity.model.early_stopping import OnEpoch, ValidationScores
from propensity.model.encoder import fit_encoder
from propensity.model.imbalance import plan_training
from propensity.model.network import (
    Predictor,
    add_statistics,
    build_network,
    load_network,
    seed_everything,
)
from propensity.model.store import Member, encoder_path, network_path
from propensity.model.target_encoding import fit_statistics, pair_features
from propensity.model.training_loop import fit_network
from propensity.settings import NightlyConfig
from propensity.storage.atomic_write import write_whole


def ignore_epoch(_epoch: int, _score: float) -> None:
    """Show nothing."""


def train_member(
    book: CuratedBook,
    fold: int,
    contract: Contract,
    config: NightlyConfig,
    folder: Path,
    on_epoch: OnEpoch = ignore_epoch,
) -> Member:
    """Train and save the member that will score `fold`.

    Args:
        book: Its labelled rows outside `fold` are learnt from.
        fold: The fold this member must never see.
        contract: Declares the features.
        config: Strategy, epochs, batch size, learning rate, validation share, seed.
        folder: Where network and encoder are saved.
        on_epoch: Called after each epoch with its number and the validation F1.

    Raises:
        ModelError: Training diverged, or the saved network does not score as the trained one.
    """
    training, validation = _set_aside(book, fold, config)
    seed, responses = config.seed + fold, training["response"].to_numpy()
    encoder, plan = fit_encoder(training, contract), plan_training(config.strategy, responses, seed)
    seed_everything(seed)
    pairs, (codes, numbers) = pair_features(encoder), encoder.encode(training)
    cells, ids = pairs.find_cells(codes, numbers), training["policyholder_id"].to_numpy()
    table, statistics = fit_statistics(pairs, cells, responses, ids)
    network = build_network(encoder, pairs, seed)
    model = add_statistics(network, encoder, pairs, table)
    watch = ValidationScores(model, encoder, validation, config.patience, on_epoch)
    fit_network(network, (codes, numbers, statistics), responses, plan, config, seed, watch)
    watch.restore_kept()
    folder.mkdir(parents=True, exist_ok=True)
    encoder.save(encoder_path(folder, fold))
    with write_whole(network_path(folder, fold), ".keras") as unfinished:  # Keras wants the ending
        model.save(unfinished)
    _check_reloaded(watch.predictor, network_path(folder, fold), *watch.inputs)
    return Member(
        fold,
        *plan.odds_weights,
        n_training_rows=len(plan.rows),
        n_epochs=watch.n_epochs,
        validation_average_precision=watch.kept.validation_average_precision,
        validation_f1=watch.kept.f1,
        loss=plan.loss,
        n_source_rows=len(responses),
        n_source_ones=int(responses.sum()),
    )


def _set_aside(book: CuratedBook, fold: int, config: NightlyConfig) -> tuple[pa.Table, pa.Table]:
    """Training and validation rows: those of the other folds."""
    rows = read_labelled(book, pc.field("fold") != fold)
    ids = rows["policyholder_id"].to_numpy()
    aside = select_share(ids, config.validation_share, VALIDATION_SALT)
    training, validation = rows.filter(pa.array(~aside)), rows.filter(pa.array(aside))
    _check_validation(validation)
    return training, validation


def _check_validation(validation: pa.Table) -> None:
    n_rows = validation.num_rows
    n_positive = int(np.count_nonzero(validation["response"].to_numpy()))
    if not 0 < n_positive < n_rows:
        raise InputError(
            f"{n_positive} of the {n_rows} rows that decide when to stop training are ones",
            expected="both kinds of response among them",
            todo="Add labelled rows, or raise PROPENSITY_VALIDATION_SHARE",
        )


def _check_reloaded(
    predictor: Predictor, path: Path, codes: NDArray[np.int32], numbers: NDArray[np.float32]
) -> None:
    trained = predictor.predict_logits(codes, numbers)
    reloaded = Predictor(load_network(path)).predict_logits(codes, numbers)
    if not np.array_equal(trained, reloaded):
        n_other = int((trained != reloaded).sum())
        raise ModelError(
            f"{path}, read back, scores {n_other:,} of {len(trained):,} policyholders differently",
            expected="the scores of the network that was trained",
            todo="Do not use this version; look for layers whose state is not saved",
        )
