"""A small dense network trained in the article's four ways, on the same folds.

Resampling and weights touch training rows only, and all ways take about as many steps: a difference
is not one of training time. The article shows no network; this is three dense layers on one-hot
categories and standardised numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pyarrow as pa
from article_labels import count_classes, oversample, undersample
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from propensity.folds import N_FOLDS
from propensity.ingest.contract import load_contract
from propensity.metrics.class_balance import balance_weights
from propensity.model.encoder import MIN_ROWS_OF_VALUE
from propensity.model.network.architecture import glorot, seed_everything
from propensity.model.prior_correction import correct_prior

CONTRACT = load_contract()
UNITS = 64, 32
N_EPOCHS = 4
BATCH_SIZE = 1024
MIN_STEPS = 50
SMALLEST_BATCH = 64
"""A small book is learnt in smaller batches: a pass should have MIN_STEPS steps."""
PREDICT_ROWS = 16_384


@dataclass(frozen=True)
class TrainingRows:
    """What one way learns from.

    Args:
        picked: Rows, some left out or repeated.
        class_weight: For Keras; None means that each row counts the same.
        factors: What it does to the odds, as weights of a zero and of a one: keeping a share b of
            the zeros is (b, 1), repeating ones r times is (1, r).
    """

    picked: NDArray[np.intp]
    class_weight: dict[int, float] | None
    factors: tuple[float, float]


@dataclass(frozen=True)
class Scores:
    """Cross-fitted scores of one way, shape (n,).

    Args:
        raw: As the network gives them.
        corrected: With the prior put right.
        n_training_rows: Of a member, mean over the folds.
        n_epochs: Of a member.
    """

    raw: NDArray[np.float32]
    corrected: NDArray[np.float32]
    n_training_rows: int
    n_epochs: int


def take_all(responses: NDArray[Any], _: int) -> TrainingRows:
    """Take the rows as they are."""
    return TrainingRows(np.arange(len(responses)), None, (1.0, 1.0))


def take_undersampled(responses: NDArray[Any], seed: int) -> TrainingRows:
    """Take all ones and as many zeros."""
    picked = undersample(responses, seed)
    kept_share = count_classes(responses[picked])[0] / count_classes(responses)[0]
    return TrainingRows(picked, None, (kept_share, 1.0))


def take_oversampled(responses: NDArray[Any], seed: int) -> TrainingRows:
    """Take all zeros and repeat ones until there are as many."""
    picked = oversample(responses, seed)
    n_times = count_classes(responses[picked])[1] / count_classes(responses)[1]
    return TrainingRows(picked, None, (1.0, n_times))


def take_weighted(responses: NDArray[Any], _: int) -> TrainingRows:
    """Take all rows with balanced class weights."""
    weights = balance_weights(responses)
    return TrainingRows(np.arange(len(responses)), dict(enumerate(weights)), weights)


OTHER_SEED = "as is, other seed"
"""Not a way: how far two networks trained alike lie apart."""
SEED_SHIFT = 1000
WAYS: dict[str, Callable[[NDArray[Any], int], TrainingRows]] = {
    "as is": take_all,
    OTHER_SEED: take_all,
    "undersampled": take_undersampled,
    "oversampled": take_oversampled,
    "class weights": take_weighted,
}


def cross_fit(rows: pa.Table, seed: int) -> dict[str, Scores]:
    """Score every policyholder in each way, by a network that never saw them.

    Args:
        rows: Labelled policyholders with fold and features.
        seed: Of sampling and initial weights.
    """
    features = rows.select([c.name for c in CONTRACT.features]).to_pandas()
    responses, folds = rows["response"].to_numpy(), rows["fold"].to_numpy()
    scores = np.empty((2, len(WAYS), len(rows)), dtype=np.float32)
    n_picked = np.empty((N_FOLDS, len(WAYS)), dtype=np.int64)
    for k in range(N_FOLDS):
        encoder = make_encoder().fit(features[folds != k])
        inputs, held_out = (encoder.transform(features[f]) for f in (folds != k, folds == k))
        for i, (name, take) in enumerate(WAYS.items()):
            own_seed = seed + k + (SEED_SHIFT if name == OTHER_SEED else 0)
            taken = take(responses[folds != k], own_seed)
            logits = _train(inputs, responses[folds != k], taken, own_seed)(held_out)
            scores[0, i, folds == k] = expit(logits)
            scores[1, i, folds == k] = correct_prior(logits, *taken.factors)
            n_picked[k, i] = len(taken.picked)
    mean_picked = n_picked.mean(axis=0)
    return {
        name: Scores(*scores[:, i], round(mean_picked[i]), count_epochs(*mean_picked[[0, i]]))
        for i, name in enumerate(WAYS)
    }


def make_encoder() -> ColumnTransformer:
    """One-hot categories, rare and unknown values together, and standardised numbers."""
    one_hot = OneHotEncoder(
        min_frequency=MIN_ROWS_OF_VALUE,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
        dtype=np.float32,
    )
    categories = [c.name for c in CONTRACT.categories]
    numbers = [c.name for c in CONTRACT.numerics]
    return ColumnTransformer(
        [("categories", one_hot, categories), ("numbers", StandardScaler(), numbers)],
        sparse_threshold=0,
    )


def count_epochs(n_rows: float, n_picked: float) -> int:
    """Epochs in which the picked rows make about as many steps as all rows in N_EPOCHS."""
    return max(1, round(N_EPOCHS * n_rows / n_picked))


def _train(
    inputs: NDArray[Any], responses: NDArray[Any], taken: TrainingRows, seed: int
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Train the network and return what gives the logits of other rows."""
    seed_everything(seed)
    draw = glorot(seed)
    layers: list[Any] = [keras.Input((inputs.shape[1],))]
    layers += [keras.layers.Dense(n, "relu", kernel_initializer=draw()) for n in UNITS]
    network = keras.Sequential([*layers, keras.layers.Dense(1, kernel_initializer=draw())])
    network.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    network.fit(
        inputs[taken.picked],
        responses[taken.picked].astype(np.float32),
        class_weight=taken.class_weight,
        epochs=count_epochs(len(responses), len(taken.picked)),
        batch_size=max(SMALLEST_BATCH, min(BATCH_SIZE, len(responses) // MIN_STEPS)),
        verbose=0,
    )
    return lambda rows: np.asarray(network.predict(rows, PREDICT_ROWS, verbose=0)[:, 0])
