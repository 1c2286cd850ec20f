"""The layers of the network; their configuration is saved with the model."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from propensity.model.target_encoding import Pairs

EMBEDDING_LIMIT = 0.5
"""Largest absolute initial value."""


@keras.saving.register_keras_serializable("propensity")
class PiecewiseLinear(keras.layers.Layer):
    """Encodes each number as its position in each bin: 0 below, 1 above, linear inside.

    Gorishniy et al. 2022, "On embeddings for numerical features". (n, numerics) -> (n, all bins).
    """

    def __init__(self, edges: list[list[float]], **options: Any) -> None:
        super().__init__(**options)
        self.edges = edges

    def call(self, numbers: Any) -> Any:
        """Encode numbers, shape (n, numerics)."""
        lows = np.concatenate([e[:-1] for e in self.edges]).astype(np.float32)
        widths = np.concatenate([np.diff(e) for e in self.edges]).astype(np.float32)
        number = np.repeat(np.arange(len(self.edges)), [len(e) - 1 for e in self.edges])
        # a product with zeros and ones is five times as fast as taking a column for each bin
        chosen = ops.matmul(numbers, np.eye(len(self.edges), dtype=np.float32)[:, number])
        return ops.clip((chosen - lows) / widths, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor needs."""
        return {**super().get_config(), "edges": self.edges}


@keras.saving.register_keras_serializable("propensity")
class PairStatistics(keras.layers.Layer):
    """Looks up the statistic of each pair's cell; computed by fit_statistics and not trained."""

    def __init__(self, cuts: list[list[float]], sizes: list[int], **options: Any) -> None:
        super().__init__(**options)
        self.pairs = Pairs(cuts, sizes)

    def build(self, _shape: Any) -> None:
        """Create the table of statistics."""
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
        """Return what the constructor needs."""
        own = {"cuts": self.pairs.cuts, "sizes": self.pairs.sizes}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("propensity")
class CategoryEmbeddings(keras.layers.Layer):
    """Looks up a vector for each value of each category. (n, categories) -> (n, all widths).

    To distinguish k values, k - 1 numbers suffice: that is the width of a vector, at most `width`.
    All vectors are in one row of numbers: one layer per category would take each member a second
    before its first step, and a table as wide as the widest vector a tenth of each step.
    """

    def __init__(self, n_codes: list[int], width: int, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.n_codes, self.width, self.seed = n_codes, width, seed
        known = np.array(n_codes) - 1  # one code is the unknown bucket
        self.widths = np.clip(known - 1, 1, width).astype(np.int32)

    def build(self, _shape: Any) -> None:
        """Create the vectors, category after category."""
        shape = (int(np.dot(self.n_codes, self.widths)),)
        # not Glorot: its range narrows with the number of codes, and products would vanish
        draw = keras.initializers.RandomUniform(-EMBEDDING_LIMIT, EMBEDDING_LIMIT, self.seed)
        self.vectors = self.add_weight(shape=shape, initializer=draw)

    def call(self, codes: Any) -> Any:
        """Look up codes, shape (n, categories)."""
        starts = np.cumsum([0, *(np.array(self.n_codes) * self.widths)[:-1]])
        category = np.repeat(np.arange(len(self.n_codes)), self.widths)
        first = np.cumsum([0, *self.widths[:-1]])[category]
        place = starts[category] + np.arange(len(category)) - first
        own = ops.take(codes, category.astype(np.int32), axis=1)
        return ops.take(self.vectors, own * self.widths[category] + place.astype(np.int32))

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
        """Create the weights for inputs x0 and x of the same width."""
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
    """Return a factory of initializers with different seeds.

    By default Keras draws their seeds from Python's global generator, which Prefect's threads use
    too: the same night would then give a different model.
    """
    seeds = np.random.default_rng(seed)
    return lambda: keras.initializers.GlorotUniform(int(seeds.integers(2**31)))
