"""The Keras network of one member: what it is made of, what it answers.

Numbers go through piecewise-linear bins, categories through embeddings, every pair of features
through its target statistic; low-rank cross layers multiply all of them with one another, which a
plain dense network of this size fails to learn here, and a sum of the products is the logit.
docs/network.md tells what each is worth.
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

# Each member's network is traced anew, once, by design; TensorFlow takes that for a mistake.
tf.get_logger().setLevel("ERROR")
# One thread an operation and operations beside one another (training_loop.py): matrices this
# small take longer in halves that wait for each other, above all on a busy machine.
with suppress(RuntimeError):  # whoever imports us has used TensorFlow already: then it is slower
    tf.config.threading.set_intra_op_parallelism_threads(1)

PREDICT_ROWS = 16_384
PREDICT_PARTS = 4
CROSS_RANK = 64
N_CROSSES = 2
EMBEDDING_WIDTH = 6


def seed_everything(seed: int) -> None:
    """Same seed, same machine: the same network. Forgets nothing: that takes 0.4 s a member."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def build_network(encoder: Encoder, pairs: Pairs, seed: int) -> keras.Model:
    """Build the part that is trained: (codes, numbers, statistics of the pairs) -> a logit.

    Args:
        encoder: Tells the codes of each category and the bins of each number.
        pairs: Tells how many statistics there are.
        seed: Same seed, same initial weights.
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
    """Let a network look its statistics up: (codes, numbers) -> a logit.

    Args:
        network: Of build_network; trained or still to be.
        encoder: The same.
        pairs: The same.
        table: The statistic of every cell.
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
    """Logits of a network; several times as fast as model.predict for a fold of a batch."""

    def __init__(self, model: keras.Model) -> None:
        n_categories, n_numerics = (given.shape[1] for given in model.inputs)

        def forward(codes: Any, numbers: Any) -> Any:
            # TensorFlow works on as many parts at once as there are cores
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
        """Return one logit a row, shape (n,), the same to the last bit in any company."""
        batches = [slice(i, i + PREDICT_ROWS) for i in range(0, len(codes), PREDICT_ROWS)]
        logits = [self._forward(_fill(codes[b]), _fill(numbers[b])).numpy() for b in batches]
        return np.concatenate([np.empty(0, dtype=np.float32), *logits])[: len(codes)]


def _fill(rows: NDArray[Any]) -> NDArray[Any]:
    # the kernel depends on the shape: a row left alone would score differently in its last bit,
    # and the F1 published would not be exactly that of the responses published
    return np.pad(rows, ((0, PREDICT_ROWS - len(rows)), (0, 0)))


def load_network(path: Path) -> keras.Model:
    """Read a saved network; code inside the file is never run."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)
