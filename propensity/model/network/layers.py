"""The layers of the network. Saved with it: nothing else has to travel with a model."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from propensity.model.target_encoding import Pairs

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
        number = np.repeat(np.arange(len(self.edges)), [len(e) - 1 for e in self.edges])
        # a product with zeros and ones: taking a column for each bin costs five times as much
        chosen = ops.matmul(numbers, np.eye(len(self.edges), dtype=np.float32)[:, number])
        return ops.clip((chosen - lows) / widths, 0.0, 1.0)

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
    """A vector for each value of each category. (n, categories) -> (n, all widths).

    Two values differ by one number, three by two: a vector is as wide as that, at most `width`. All
    in one row of numbers: a layer for each category costs each member a second before its first
    step, and a table as wide as the widest vector a tenth of each step.
    """

    def __init__(self, n_codes: list[int], width: int, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.n_codes, self.width, self.seed = n_codes, width, seed
        known = np.array(n_codes) - 1  # one code is for what is unknown
        self.widths = np.clip(known - 1, 1, width).astype(np.int32)

    def build(self, _shape: Any) -> None:
        """Make the vectors: those of one category after those of the one before."""
        shape = (int(np.dot(self.n_codes, self.widths)),)
        # not Glorot's: a range that narrows with the number of codes would multiply to nothing
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
