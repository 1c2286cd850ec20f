"""Fit a network: an epoch in one call of TensorFlow, each part of a batch beside the others.

Keras's own `fit` comes back to Python between steps, which costs a third of the time of steps as
small as these, and leaves all but one core idle.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from propensity.losses import make_loss
from propensity.settings import NightlyConfig
from propensity.strategies import TrainingPlan

WEIGHT_DECAY = 0.3
"""Of AdamW, times the learning rate at each step: a hundredth of it would decay nothing here."""
MIN_STEPS = 50
"""Steps an epoch: a book too small for as many full batches is learnt in smaller ones ..."""
SMALLEST_BATCH = 64
"""... but not in batches that hold only a handful of ones."""
N_PARTS = 4
"""Of a batch: TensorFlow works on as many of them at once as there are cores."""
Rows = tuple[NDArray[Any], ...]
"""Codes, numbers and statistics, one row a policyholder."""


def fit_network(
    network: keras.Model,
    rows: Rows,
    responses: NDArray[Any],
    plan: TrainingPlan,
    config: NightlyConfig,
    seed: int,
    watch: keras.callbacks.Callback,
) -> None:
    """Train a network in place.

    Args:
        network: Of build_network: rows -> a logit.
        rows: Of the training rows, each of shape (n, ...).
        responses: Theirs, 0 or 1, shape (n,).
        plan: Which of them, in which loss, with which class weights.
        config: Epochs, batch size, learning rate.
        seed: Of the order of rows.
        watch: Called at the end of each epoch; may stop the training.
    """
    # the same budget for every strategy: oversampling draws nearly twice as many rows
    n_rows = min(len(plan.rows), len(responses))
    batch_size = min(n_rows, max(SMALLEST_BATCH, min(config.batch_size, n_rows // MIN_STEPS)))
    n_steps = config.max_epochs * (n_rows // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, n_steps)
    trainee = EpochTrainer(network, rows, responses, plan, batch_size, schedule)
    optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=WEIGHT_DECAY)
    optimizer.build(network.trainable_variables)  # left to the first step it is traced twice
    trainee.compile(optimizer=optimizer, loss=make_loss(plan.loss), jit_compile=False)
    rng = np.random.default_rng(seed)
    orders = np.stack([rng.permutation(plan.rows)[:n_rows] for _ in range(config.max_epochs)])
    trainee.fit(
        tf.data.Dataset.from_tensor_slices(orders.astype(np.int32)),
        epochs=config.max_epochs,
        steps_per_epoch=1,
        shuffle=False,  # it is
        callbacks=[watch],
        verbose=0,
    )


class EpochTrainer(keras.Model):
    """A network in training; what `fit` takes for a step is an epoch, its data an order of rows."""

    def __init__(
        self,
        network: keras.Model,
        rows: Rows,
        responses: NDArray[Any],
        plan: TrainingPlan,
        batch_size: int,
        schedule: keras.optimizers.schedules.LearningRateSchedule,
    ) -> None:
        super().__init__()
        self.network, self.batch_size, self.schedule = network, batch_size, schedule
        ones = responses.astype(np.float32)[:, None]
        # a vector: class_weight would be looked up row by row in Python
        weights = np.array(plan.class_weights, dtype=np.float32)[responses]
        self.given = [tf.constant(a) for a in (*rows, ones, weights)]

    def train_step(self, order: Any) -> dict[str, Any]:
        """Take the steps of an epoch; the rows that fill no batch wait for the next order.

        Args:
            order: Indices of training rows, shape (n,).
        """
        n_steps = order.shape[0] // self.batch_size
        batches = tf.reshape(order[: n_steps * self.batch_size], (n_steps, self.batch_size))

        def take_step(step: Any, total: Any) -> tuple[Any, Any]:
            return step + 1, total + self._learn(batches[step])

        _, total = tf.while_loop(lambda step, _: step < n_steps, take_step, (0, 0.0))
        return {"loss": total / n_steps}

    def _learn(self, batch: Any) -> Any:
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
