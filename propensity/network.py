"""The Keras network of one member. The only module that imports TensorFlow: it costs seconds.

Numbers go through piecewise-linear bins, categories through embeddings, every pair of features
through its target statistic; low-rank cross layers multiply all of them with one another, which a
plain dense network of this size fails to learn here. docs/network.md tells what each is worth.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from propensity.features import Encoder
from propensity.target_statistics import Pairs

# Each member's network is traced anew, once, by design; TensorFlow takes that for a mistake.
tf.get_logger().setLevel("ERROR")
# One thread an operation and operations beside one another: each tower has a core of its own.
# Matrices this small take longer in halves that wait for each other, above all on a busy machine.
with suppress(RuntimeError):  # whoever imports us has used TensorFlow already: then it is slower
    tf.config.threading.set_intra_op_parallelism_threads(1)

PREDICT_ROWS = 16_384
N_TOWERS = 2
"""Alike but for their initial weights; the average of their logits varies less than one."""
CROSS_RANK = 128
N_CROSSES = 2
DENSE_UNITS = (64,)
EMBEDDING_WIDTH = 6
EMBEDDING_LIMIT = 0.5
"""Of the initial values."""


@keras.saving.register_keras_serializable("propensity")
class PiecewiseLinear(keras.layers.Layer):
    """Each number as its position in each of its bins: 0 below, 1 above, linear inside.

    Gorishniy et al. 2022, "On embeddings for numerical features". (n, numerics) -> (n, all bins).
    """

    def __init__(self, edges: list[list[float]], **options: Any) -> None:
        super().__init__(**options)
        self.edges = edges

    def call(self, numbers: Any) -> Any:
        """Encode numbers, shape (n, numerics)."""
        lows = np.concatenate([e[:-1] for e in self.edges]).astype(np.float32)
        widths = np.concatenate([np.diff(e) for e in self.edges]).astype(np.float32)
        column = np.repeat(np.arange(len(self.edges)), [len(e) - 1 for e in self.edges])
        return ops.clip((ops.take(numbers, column, axis=1) - lows) / widths, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Edges travel with the model."""
        return {**super().get_config(), "edges": self.edges}


@keras.saving.register_keras_serializable("propensity")
class PairStatistics(keras.layers.Layer):
    """The statistic of the cell of each pair of features; learnt by fit_statistics, not trained."""

    def __init__(self, cuts: list[list[float]], sizes: list[int], **options: Any) -> None:
        super().__init__(**options)
        self.pairs = Pairs(cuts, sizes)

    def build(self, _shape: Any) -> None:
        """Make room for the statistic of every cell."""
        shape = (self.pairs.starts[-1],)
        self.table = self.add_weight(shape=shape, initializer="zeros", trainable=False)

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Look up: codes (n, categories), numbers (n, numerics) -> (n, pairs)."""
        codes, numbers = inputs
        binned = [ops.digitize(numbers[:, i], cut) for i, cut in enumerate(self.pairs.cuts)]
        all_codes = ops.stack([*ops.unstack(codes, axis=1), *binned], axis=1)
        first, second = np.array(self.pairs.members, dtype=np.int32).reshape(-1, 2).T
        sizes, starts = (
            np.array(self.pairs.sizes)[second],
            np.array(self.pairs.starts[:-1], dtype=np.int32),
        )
        cells = ops.take(all_codes, first, axis=1) * sizes + ops.take(all_codes, second, axis=1)
        return ops.take(self.table, cells + starts)

    def get_config(self) -> dict[str, Any]:
        """Cuts and sizes travel with the model."""
        own = {"cuts": self.pairs.cuts, "sizes": self.pairs.sizes}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("propensity")
class CategoryEmbeddings(keras.layers.Layer):
    """A vector for each value of each category. (n, categories) -> (n, categories * width).

    In one table: a layer for each category costs each member a second before its first step.
    """

    def __init__(self, n_codes: list[int], width: int, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.n_codes, self.width, self.seed = n_codes, width, seed

    def build(self, _shape: Any) -> None:
        """Make the table: the codes of one category below those of the one before."""
        shape = (sum(self.n_codes), self.width)
        # not Glorot's: the narrow range of a wide table would multiply to next to nothing
        draw = keras.initializers.RandomUniform(-EMBEDDING_LIMIT, EMBEDDING_LIMIT, self.seed)
        self.table = self.add_weight(shape=shape, initializer=draw)

    def call(self, codes: Any) -> Any:
        """Look up codes, shape (n, categories)."""
        starts = np.cumsum([0, *self.n_codes[:-1]]).astype(np.int32)
        vectors = ops.take(self.table, codes + starts, axis=0)
        return ops.reshape(vectors, (-1, len(self.n_codes) * self.width))

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor needs."""
        own = {"n_codes": self.n_codes, "width": self.width, "seed": self.seed}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("propensity")
class LowRankCross(keras.layers.Layer):
    """x0 * (V U x + b) + x: multiplies features with one another (DCN-v2, Wang et al. 2021)."""

    def __init__(self, rank: int, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.rank, self.seed = rank, seed

    def build(self, shape: tuple[tuple[int | None, int], ...]) -> None:
        """Make the weights for inputs x0 and x of the same width."""
        width = shape[0][-1]
        draw = glorot(self.seed)
        self.project = keras.layers.Dense(
            self.rank, use_bias=False, kernel_initializer=draw(), name="project"
        )
        self.expand = keras.layers.Dense(width, kernel_initializer=draw(), name="expand")
        self.project.build((None, width))
        self.expand.build((None, self.rank))

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Cross x with the first layer's input x0."""
        x0, x = inputs
        return x0 * self.expand(self.project(x)) + x

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor needs."""
        return {**super().get_config(), "rank": self.rank, "seed": self.seed}


def glorot(seed: int) -> Callable[[], keras.initializers.Initializer]:
    """Return a maker of initializers, each with a seed of its own.

    Left to itself Keras draws their seeds from Python's global generator, which Prefect's threads
    draw from too: the same night would give another model.
    """
    seeds = np.random.default_rng(seed)
    return lambda: keras.initializers.GlorotUniform(int(seeds.integers(2**31)))


def seed_everything(seed: int) -> None:
    """Start afresh: same seed, same machine, same order of rows."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def build_network(encoder: Encoder, pairs: Pairs, seed: int) -> keras.Model:
    """Build the part that is trained: (codes, numbers, statistics of the pairs) -> a logit a tower.

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
    logits = [_build_tower(x0, draw) for _ in range(N_TOWERS)]
    return keras.Model([codes, numbers, statistics], keras.layers.Concatenate()(logits))


def _build_tower(x0: Any, draw: Callable[[], keras.initializers.Initializer]) -> Any:
    x = x0
    for _ in range(N_CROSSES):
        x = LowRankCross(CROSS_RANK, seed=draw().seed)((x0, x))
    for units in DENSE_UNITS:
        x = keras.layers.Dense(units, activation="relu", kernel_initializer=draw())(x)
    return keras.layers.Dense(1, kernel_initializer=draw())(x)


def add_statistics(
    network: keras.Model, encoder: Encoder, pairs: Pairs, table: NDArray[np.float32]
) -> keras.Model:
    """Let a network look its statistics up and average its towers: (codes, numbers) -> one logit.

    Args:
        network: Of build_network; trained or still to be.
        encoder: The same.
        pairs: The same.
        table: The statistic of every cell.
    """
    codes, numbers = _make_inputs(encoder)
    look_up = PairStatistics(pairs.cuts, pairs.sizes)
    logits = network([codes, numbers, look_up((codes, numbers))])
    whole = keras.Model([codes, numbers], ops.mean(logits, axis=1, keepdims=True))
    look_up.set_weights([table])
    return whole


def _make_inputs(encoder: Encoder) -> tuple[Any, Any]:
    codes = keras.Input((len(encoder.n_codes),), dtype="int32", name="codes")
    return codes, keras.Input((len(encoder.edges),), name="numbers")


class Predictor:
    """Logits of a network; several times as fast as model.predict for a fold of a batch."""

    def __init__(self, model: keras.Model) -> None:
        n_categories, n_numerics = (given.shape[1] for given in model.inputs)
        self._forward = tf.function(
            lambda codes, numbers: model([codes, numbers], training=False)[:, 0],
            input_signature=[
                tf.TensorSpec((None, n_categories), tf.int32),
                tf.TensorSpec((None, n_numerics), tf.float32),
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
