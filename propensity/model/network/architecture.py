"""The Keras network of one member, and its predictions.

Numbers pass through piecewise-linear bins, categories through embeddings, and every pair of
features through its target statistic. Low-rank cross layers multiply them with one another, which a
plain dense network of this size fails to learn here; the logit is a weighted sum of the products.
docs/network.md shows what each part contributes.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from propensity.model.encoder import Encoder
from propensity.model.network.layers import (
    CategoryEmbeddings,
    LowRankCross,
    PairStatistics,
    PiecewiseLinear,
    glorot,
)
from propensity.model.target_encoding import Pairs

# Each member's network is traced once, by design; TensorFlow warns about such retracing.
tf.get_logger().setLevel("ERROR")
# Run operations in parallel (training_loop.py), but each on one thread: splitting matrices this
# small takes longer, above all on a busy machine.
with suppress(RuntimeError):  # if TensorFlow has already been used; training is then slower
    tf.config.threading.set_intra_op_parallelism_threads(1)

PREDICT_ROWS = 16_384
PREDICT_PARTS = 4
CROSS_RANK = 64
N_CROSSES = 2
EMBEDDING_WIDTH = 6


def seed_everything(seed: int) -> None:
    """Make training reproducible on one machine; keep Keras's state: clearing it takes 0.4 s."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def build_network(encoder: Encoder, pairs: Pairs, seed: int) -> keras.Model:
    """Build the part that is trained: (codes, numbers, statistics of the pairs) -> logit.

    Args:
        encoder: Encoder with the codes of each category and the bins of each number.
        pairs: Pairs of features, one statistic each.
        seed: Seed of the initial weights.
    """
    draw = glorot(seed)
    codes, numbers = _make_inputs(encoder)
    statistics = keras.Input((len(pairs.members),), name="statistics")
    bins = PiecewiseLinear(list(encoder.edges.values()))(numbers)
    vectors = CategoryEmbeddings(encoder.n_codes, EMBEDDING_WIDTH, seed=draw().seed)(codes)
    x0 = keras.layers.Concatenate()([bins, vectors, statistics])
    x = x0
    for _ in range(N_CROSSES):
        x = LowRankCross(CROSS_RANK, seed=draw().seed)((x0, x))
    logit = keras.layers.Dense(1, kernel_initializer=draw())(x)
    return keras.Model([codes, numbers, statistics], logit)


def add_statistics(
    network: keras.Model, encoder: Encoder, pairs: Pairs, table: NDArray[np.float32]
) -> keras.Model:
    """Add the lookup of the statistics to a network: (codes, numbers) -> logit.

    Args:
        network: Result of build_network, before or after training.
        encoder: Encoder that the network was built with.
        pairs: Pairs that the network was built with.
        table: Statistic of every cell, shape (number of cells,).
    """
    codes, numbers = _make_inputs(encoder)
    look_up = PairStatistics(pairs.cuts, pairs.sizes)
    logit = network([codes, numbers, look_up((codes, numbers))])
    whole = keras.Model([codes, numbers], logit)
    look_up.set_weights([table])
    return whole


def _make_inputs(encoder: Encoder) -> tuple[Any, Any]:
    codes = keras.Input((len(encoder.n_codes),), dtype="int32", name="codes")
    return codes, keras.Input((len(encoder.edges),), name="numbers")


class Predictor:
    """Computes the logits of a network, several times as fast as model.predict."""

    def __init__(self, model: keras.Model) -> None:
        n_categories, n_numerics = (given.shape[1] for given in model.inputs)

        def forward(codes: Any, numbers: Any) -> Any:
            # TensorFlow processes the parts in parallel
            parts = zip(
                *(tf.split(given, PREDICT_PARTS) for given in (codes, numbers)), strict=True
            )
            return tf.concat([model(part, training=False)[:, 0] for part in parts], axis=0)

        self._forward = tf.function(
            forward,
            input_signature=[
                tf.TensorSpec((PREDICT_ROWS, n_categories), tf.int32),
                tf.TensorSpec((PREDICT_ROWS, n_numerics), tf.float32),
            ],
        )

    def predict_logits(
        self, codes: NDArray[np.int32], numbers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return one logit per row, shape (n,), to the last bit independent of the other rows."""
        batches = [slice(i, i + PREDICT_ROWS) for i in range(0, len(codes), PREDICT_ROWS)]
        logits = [self._forward(_fill(codes[b]), _fill(numbers[b])).numpy() for b in batches]
        return np.concatenate([np.empty(0, dtype=np.float32), *logits])[: len(codes)]


def _fill(rows: NDArray[Any]) -> NDArray[Any]:
    # the kernel depends on the shape: in a smaller batch a score would differ in its last bit, and
    # the published F1 would not be exactly that of the published predictions
    return np.pad(rows, ((0, PREDICT_ROWS - len(rows)), (0, 0)))


def load_network(path: Path) -> keras.Model:
    """Read a saved network without running code from the file."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)
