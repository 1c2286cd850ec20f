"""Train the member of one fold on the other folds, with a strategy and a model family."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from propensity.errors import InputError, ModelError
from propensity.folds import VALIDATION_SALT, select_share
from propensity.ingest.book import CuratedBook, read_labelled
from propensity.ingest.contract import Contract
from propensity.model.encoded_rows import EncodedRows, encode_labelled
from propensity.model.encoder import fit_encoder
from propensity.model.families import import_family
from propensity.model.imbalance import plan_training
from propensity.model.records import OnEpoch, Predictor, TrainingData
from propensity.model.store import Member, encoder_path, model_path
from propensity.settings import NightlyConfig


def ignore_epoch(_epoch: int, _score: float) -> None:
    """Ignore the progress of training."""


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
        book: Book whose labelled rows outside `fold` are used for training.
        fold: The fold that this member must never see.
        contract: Contract that declares the features.
        config: Model family, strategy, epochs, batch size, learning rate, validation share, seed.
        folder: Folder for model and encoder.
        on_epoch: Called after each epoch with its number and the validation F1.

    Raises:
        ModelError: Training diverged, or the saved model does not score like the trained one, or
            the family cannot minimise the loss of the strategy.
    """
    training, validation = _set_aside(book, fold, config)
    seed, encoder = config.seed + fold, fit_encoder(training, contract)
    rows, aside = encode_labelled(encoder, training), encode_labelled(encoder, validation)
    plan = plan_training(config.strategy, rows, seed)
    folder.mkdir(parents=True, exist_ok=True)
    encoder.save(encoder_path(folder, fold))
    family, path = import_family(config.model_family), model_path(folder, fold, config.model_family)
    data = TrainingData(encoder, rows.append(plan.made), aside, plan)
    fitted = family.fit(data, config, seed, path, on_epoch)
    _check_reloaded(fitted.predictor, family.load(path), path, aside)
    return Member(
        fold,
        *plan.odds_weights,
        n_training_rows=len(plan.rows),
        n_epochs=fitted.n_epochs,
        validation_average_precision=fitted.validation_average_precision,
        validation_f1=fitted.validation_f1,
        loss=plan.loss,
        n_source_rows=len(rows.responses),
        n_source_ones=int(rows.responses.sum()),
        family=config.model_family,
    )


def _set_aside(book: CuratedBook, fold: int, config: NightlyConfig) -> tuple[pa.Table, pa.Table]:
    """Return training and validation rows, both from the other folds."""
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
            f"{n_positive} of the {n_rows} validation rows are ones",
            expected="both zeros and ones, to decide when to stop training",
            todo="Add labelled rows, or raise PROPENSITY_VALIDATION_SHARE",
        )


def _check_reloaded(trained: Predictor, reloaded: Predictor, path: Path, rows: EncodedRows) -> None:
    before, after = (p.predict_logits(rows.codes, rows.numbers) for p in (trained, reloaded))
    n_other = int((before != after).sum())
    if n_other:
        raise ModelError(
            f"Loaded from {path}, the model scores {n_other:,} of {len(before):,} rows differently",
            expected="the scores of the trained model",
            todo="Do not use this version; look for state that is not saved with the model",
        )
