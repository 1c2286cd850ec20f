"""Train the member of one fold: on the other folds, by a strategy, while it improves."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from propensity.contract import Contract
from propensity.dataset import CuratedBook, read_labelled
from propensity.errors import InputError, ModelError
from propensity.evaluation import compare_f1, measure_f1
from propensity.features import Encoder, fit_encoder
from propensity.folds import VALIDATION_SALT, select_share
from propensity.losses import make_loss
from propensity.network import (
    N_TOWERS,
    Predictor,
    add_statistics,
    build_network,
    load_network,
    seed_everything,
)
from propensity.registry import Member, encoder_path, network_path
from propensity.settings import NightlyConfig
from propensity.strategies import TrainingPlan, plan_training
from propensity.target_statistics import fit_statistics, pair_features
from propensity.threshold import choose_threshold

WEIGHT_DECAY = 0.3
"""Of AdamW, times the learning rate at each step: a hundredth of it would decay nothing here."""
MIN_STEPS = 50
"""Steps an epoch: a book too small for as many full batches is learnt in smaller ones ..."""
SMALLEST_BATCH = 64
"""... but not in batches that hold only a handful of ones."""
OnEpoch = Callable[[int, float], None]
"""Called with the epoch, from 1, and its validation F1."""


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
    rows = read_labelled(book, pc.field("fold") != fold)
    ids = rows["policyholder_id"].to_numpy()
    aside = select_share(ids, config.validation_share, VALIDATION_SALT)
    training, validation = rows.filter(pa.array(~aside)), rows.filter(pa.array(aside))
    _check_validation(validation)
    encoder = fit_encoder(training, contract)
    plan = plan_training(config.strategy, training["response"].to_numpy(), config.seed + fold)
    seed_everything(config.seed + fold)
    watch = ValidationScores(encoder, validation, config.patience, on_epoch)
    model = _fit(encoder, training, plan, config, config.seed + fold, watch)
    folder.mkdir(parents=True, exist_ok=True)
    encoder.save(encoder_path(folder, fold))
    model.save(network_path(folder, fold))
    _check_reloaded(watch.predictor, network_path(folder, fold), *watch.inputs)
    return Member(
        fold,
        *plan.odds_weights,
        n_training_rows=len(plan.rows),
        n_epochs=watch.n_epochs,
        validation_average_precision=watch.kept.average_precision,
        validation_f1=watch.kept.f1,
        loss=plan.loss,
    )


def _check_validation(validation: pa.Table) -> None:
    n_rows = validation.num_rows
    n_positive = int(np.count_nonzero(validation["response"].to_numpy()))
    if not 0 < n_positive < n_rows:
        raise InputError(
            f"{n_positive} of the {n_rows} rows that decide when to stop training are ones",
            expected="both kinds of response among them",
            todo="Add labelled rows, or raise PROPENSITY_VALIDATION_SHARE",
        )


def _fit(
    encoder: Encoder,
    training: pa.Table,
    plan: TrainingPlan,
    config: NightlyConfig,
    seed: int,
    watch: "ValidationScores",
) -> keras.Model:
    codes, numbers = encoder.encode(training)
    responses, pairs = training["response"].to_numpy(), pair_features(encoder)
    cells = pairs.find_cells(codes, numbers)
    ids = training["policyholder_id"].to_numpy()
    table, statistics = fit_statistics(pairs, cells, responses, ids)
    network = build_network(encoder, pairs, seed)
    watch.whole = add_statistics(network, encoder, pairs, table)
    n_rows = len(plan.rows)
    batch_size = max(SMALLEST_BATCH, min(config.batch_size, n_rows // MIN_STEPS))
    n_steps = config.max_epochs * -(-n_rows // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, n_steps)
    # the same layers: what is saved has no optimizer and no loss, which scoring need not know
    trainee = keras.Model(network.inputs, network.outputs)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY)
    optimizer.build(trainee.trainable_variables)  # left to the first step it is traced twice
    trainee.compile(optimizer=optimizer, loss=make_loss(plan.loss))
    drawn = responses[plan.rows]
    trainee.fit(
        [given[plan.rows] for given in (codes, numbers, statistics)],
        np.repeat(drawn.astype(np.float32)[:, None], N_TOWERS, axis=1),
        # a vector: class_weight would be looked up row by row in Python
        sample_weight=np.array(plan.class_weights, dtype=np.float32)[drawn],
        epochs=config.max_epochs,
        batch_size=batch_size,
        callbacks=[watch],
        verbose=0,
    )
    return watch.whole


@dataclass(frozen=True)
class ScoredEpoch:
    """An epoch on the validation rows: whom it would call, how good that is, and its weights."""

    f1: float
    average_precision: float
    predicted: NDArray[np.bool_]
    weights: list[NDArray[np.float32]]


class ValidationScores(keras.callbacks.Callback):
    """Scores the validation rows after each epoch: F1 chooses the epoch.

    F1 at the best threshold of these rows, which are neither trained nor judged on. It depends on
    ranks alone, so class weights and resampling need no correction; `val_loss` would be unweighted
    while the training loss is weighted. The last epoch is kept unless the best one is clearly
    better, by the paired interval of F1: on rows this few the highest is often so by chance, and a
    network stopped before its learning rate has decayed is worse (docs/network.md).
    """

    whole: keras.Model  # the network that is trained, with its statistics looked up

    def __init__(
        self, encoder: Encoder, validation: pa.Table, patience: int, on_epoch: OnEpoch
    ) -> None:
        super().__init__()
        self.inputs = encoder.encode(validation)
        self.responses = validation["response"].to_numpy()
        self.patience, self.on_epoch = patience, on_epoch
        self.n_epochs = self.n_worse = 0
        self.best: ScoredEpoch | None = None

    def on_train_begin(self, _: dict[str, float] | None = None) -> None:
        """Compile the forward pass once."""
        self.predictor = Predictor(self.whole)

    def on_epoch_end(self, epoch: int, _: dict[str, float] | None = None) -> None:
        """Stop after `patience` epochs in a row that are clearly worse than the best."""
        now = self._score(epoch)
        self.n_epochs = epoch + 1
        if self.best is None or now.f1 >= self.best.f1:
            self.best = now
        self.n_worse = self.n_worse + 1 if self._is_clearly_worse(now) else 0
        self.kept = self.best if self.n_worse else now
        self.model.stop_training = self.n_worse >= self.patience
        self.on_epoch(epoch + 1, now.f1)

    def on_train_end(self, _: dict[str, float] | None = None) -> None:
        """Go back to the epoch that is kept."""
        self.model.set_weights(self.kept.weights)

    def _score(self, epoch: int) -> ScoredEpoch:
        logits = self.predictor.predict_logits(*self.inputs)
        if not np.isfinite(logits).all():
            found = f"After epoch {epoch + 1} the network's scores are no numbers"
            raise ModelError(found, todo="Training diverged: lower learning_rate")
        predicted = logits >= choose_threshold(self.responses, logits)
        precision = float(average_precision_score(self.responses, logits))
        f1 = measure_f1(self.responses, predicted)
        return ScoredEpoch(f1, precision, predicted, self.model.get_weights())

    def _is_clearly_worse(self, now: ScoredEpoch) -> bool:
        if self.best is None or self.best is now:
            return False
        return compare_f1(self.responses, self.best.predicted, now.predicted, seed=0).low > 0


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
