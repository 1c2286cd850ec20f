"""Fit a network: one call of TensorFlow per epoch, with the parts of each batch in parallel.

Keras's `fit` returns to Python between steps, which costs a third of the time of steps this small,
and leaves all but one core idle.
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
"""Weight decay of AdamW, multiplied by the learning rate; a hundredth has no effect here."""
MIN_STEPS = 50
"""Minimum steps per epoch; smaller books use smaller batches."""
SMALLEST_BATCH = 64
"""Smallest batch size."""
N_PARTS = 2
"""Parts of a batch, which TensorFlow processes in parallel."""
Rows = tuple[NDArray[Any], ...]
"""The inputs of a network, one row per policyholder."""


class Watch(Protocol):
    """Observer of the epochs of training."""

    def end_epoch(self, epoch: int) -> bool:
        """Return whether to continue training; the first epoch is 0."""


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
        network: Result of build_network: rows -> logit.
        rows: Inputs, training rows followed by synthetic rows, each of shape (n, ...).
        responses: Responses of these rows, 0 or 1, shape (n,).
        plan: Rows, loss and class weights.
        config: Epochs, batch size, learning rate.
        seed: Seed of the order of rows.
        watch: Observer called after each epoch.
    """
    # One pass over the rows of a strategy, but no more than the number of training rows, which
    # oversampling and SMOTE-NC nearly double. Undersampling takes fewer steps: with as many it
    # would memorise its few rows.
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
        # a vector, because Keras would look class_weight up row by row in Python
        weights = np.array(plan.class_weights, dtype=np.float32)[responses]
        self.given = [tf.constant(a) for a in (*rows, ones, weights)]
        self.learn = tf.function(self._learn_epoch)

    def _learn_epoch(self, order: Any) -> Any:
        """Train one epoch and return the mean loss; rows that do not fill a batch are left out.

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
        # otherwise the schedule is evaluated once per variable
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
