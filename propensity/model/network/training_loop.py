"""Fit a network: an epoch in one call of TensorFlow, each part of a batch beside the others.

Keras's own `fit` comes back to Python between steps, which costs a third of the time of steps as
small as these, and leaves all but one core idle.
"""

from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from propensity.model.imbalance import TrainingPlan
from propensity.model.network.losses import make_loss
from propensity.settings import NightlyConfig

WEIGHT_DECAY = 0.3
"""Of AdamW, times the learning rate at each step: a hundredth of it would decay nothing here."""
MIN_STEPS = 50
"""Steps an epoch: a book too small for as many full batches is learnt in smaller ones ..."""
SMALLEST_BATCH = 64
"""... but not in batches that hold only a handful of ones."""
N_PARTS = 2
"""Of a batch: TensorFlow works on as many of them at once as there are cores."""
Rows = tuple[NDArray[Any], ...]
"""The inputs of a network, one row a policyholder."""


class Watch(Protocol):
    """Looks at a network in training."""

    def end_epoch(self, epoch: int) -> bool:
        """Return whether training shall go on; the first epoch is 0."""


def fit_network(
    network: keras.Model,
    rows: Rows,
    responses: NDArray[Any],
    plan: TrainingPlan,
    config: NightlyConfig,
    seed: int,
    watch: Watch,
) -> None:
    """Train a network in place.

    Args:
        network: Of build_network: rows -> a logit.
        rows: Of the training rows and after them those that were made, each of shape (n, ...).
        responses: Theirs, 0 or 1, shape (n,).
        plan: Which of them, in which loss, with which class weights.
        config: Epochs, batch size, learning rate.
        seed: Of the order of rows.
        watch: Asked after each epoch.
    """
    # a pass over the rows of a strategy, yet no more steps than the others take: oversampling
    # draws nearly twice as many rows, SMOTE-NC makes them. Undersampling in as many steps learns
    # its few by heart.
    n_rows = min(len(plan.rows), len(responses) - plan.n_made)
    batch_size = min(n_rows, max(SMALLEST_BATCH, min(config.batch_size, n_rows // MIN_STEPS)))
    n_steps = config.max_epochs * (n_rows // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, n_steps)
    learner = EpochLearner(network, rows, responses, plan, batch_size, schedule)
    rng = np.random.default_rng(seed)
    for epoch in range(config.max_epochs):
        learner.learn(tf.constant(rng.permutation(plan.rows)[:n_rows], tf.int32))
        if not watch.end_epoch(epoch):
            break


class EpochLearner:
    """A network in training; `learn` takes all steps of an epoch."""

    def __init__(
        self,
        network: keras.Model,
        rows: Rows,
        responses: NDArray[Any],
        plan: TrainingPlan,
        batch_size: int,
        schedule: keras.optimizers.schedules.LearningRateSchedule,
    ) -> None:
        self.network, self.batch_size, self.schedule = network, batch_size, schedule
        self.optimizer = keras.optimizers.AdamW(weight_decay=WEIGHT_DECAY)
        self.optimizer.build(network.trainable_variables)
        self.loss = make_loss(plan.loss)
        ones = responses.astype(np.float32)[:, None]
        # a vector: class_weight would be looked up row by row in Python
        weights = np.array(plan.class_weights, dtype=np.float32)[responses]
        self.given = [tf.constant(a) for a in (*rows, ones, weights)]
        self.learn = tf.function(self._learn_epoch)

    def _learn_epoch(self, order: Any) -> Any:
        """Return the mean loss; the rows that fill no batch wait for the next order.

        Args:
            order: Indices of training rows, shape (n,).
        """
        n_steps = order.shape[0] // self.batch_size
        batches = tf.reshape(order[: n_steps * self.batch_size], (n_steps, self.batch_size))

        def take_step(step: Any, total: Any) -> tuple[Any, Any]:
            return step + 1, total + self._take_step(batches[step])

        _, total = tf.while_loop(lambda step, _: step < n_steps, take_step, (0, 0.0))
        return total / n_steps

    def _take_step(self, batch: Any) -> Any:
        *rows, ones, weights = (tf.gather(given, batch) for given in self.given)
        # computed for each variable otherwise
        self.optimizer.learning_rate.assign(self.schedule(self.optimizer.iterations))
        with tf.GradientTape() as tape:
            parts = zip(*(_split(given) for given in rows), strict=True)
            logits = tf.concat([self.network(part, training=True) for part in parts], axis=0)
            loss = self.loss(ones, logits, sample_weight=weights)
        variables = self.network.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss


def _split(batch: Any) -> Any:
    n_rows = batch.shape[0]
    return tf.split(batch, np.diff(np.linspace(0, n_rows, N_PARTS + 1).astype(int)).tolist())
