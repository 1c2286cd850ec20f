"""Steps of the article that need nothing but labels: its counts, and calls that fail or mislead.

All are run on a label vector of the article's shape. Where a call fails, the error is the one that
the installed version raises; should it no longer fail, the script stops: the page would be wrong.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from article_labels import (
    N_NEGATIVE,
    N_POSITIVE,
    Classes,
    count_classes,
    make_labels,
    oversample,
    sample_with_pandas,
    undersample,
)
from keras import ops
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from propensity.metrics.class_balance import ClassBalance, balance_weights, measure_balance
from propensity.model.network.architecture import seed_everything

BATCH_SIZE = 8192
VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class Errors:
    """What calls written as in the article raise today."""

    positional: str
    array: str
    misspelt: str
    f1_as_loss: str


@dataclass(frozen=True)
class Losses:
    """Training loss of one and the same network: it gives everyone the prevalence."""

    unweighted: float
    weighted: float
    string_keys: float


@dataclass(frozen=True)
class LastFifth:
    """What validation_split makes of rows joined zeros first: shares of ones, 0 to 1."""

    classes: Classes
    training_share: float
    validation_share: float


@dataclass(frozen=True)
class LabelFacts:
    """All that the first three sections of the page say.

    Args:
        balance: Of the article's labels.
        density: Heights of the article's histogram: shares over the width of a bin, 0.5.
        undersampled: Counts after imbalanced-learn's RandomUnderSampler.
        oversampled: Counts after its RandomOverSampler.
        pandas_counts: Both in the article's way.
        weights: Balanced class weights of a zero and of a one.
        errors: Of the article's calls.
        losses: With the right weights, and with keys that went through JSON.
        last_fifths: As the frames are, undersampled, oversampled.
        default_f1: Keras' F1 of scores without a mistake, default threshold.
        half_f1: The same with threshold 0.5.
        metric_moves_weights: Whether F1 among the metrics changed what was learnt.
    """

    balance: ClassBalance
    density: tuple[float, float]
    undersampled: Classes
    oversampled: Classes
    pandas_counts: tuple[Classes, Classes]
    weights: tuple[float, float]
    errors: Errors
    losses: Losses
    last_fifths: tuple[LastFifth, ...]
    default_f1: float
    half_f1: float
    metric_moves_weights: bool


def describe_labels() -> LabelFacts:
    """Run everything."""
    labels = make_labels()
    density, _ = np.histogram(labels, bins=2, density=True)
    undersampled = count_classes(labels[undersample(labels, seed=0)])
    oversampled = count_classes(labels[oversample(labels, seed=0)])
    joined = (N_NEGATIVE, N_POSITIVE), undersampled, oversampled
    default_f1, half_f1 = measure_keras_f1(labels)
    return LabelFacts(
        measure_balance(len(labels), int(labels.sum())),
        (float(density[0]), float(density[1])),
        undersampled,
        oversampled,
        sample_with_pandas(labels),
        balance_weights(labels),
        find_errors(labels),
        measure_losses(labels),
        tuple(split_last_fifth(classes) for classes in joined),
        default_f1,
        half_f1,
        move_weights_by_metric(labels),
    )


def find_error(call: Callable[[], object], kind: type[Exception]) -> str:
    """Return the error that a call raises, of the kind that is expected.

    Raises:
        AssertionError: It runs: what the page says of it is no longer true.
    """
    try:
        call()
    except kind as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError(f"It runs now, no {kind.__name__}: correct benchmarks/article.md.j2")


def find_errors(labels: NDArray[Any]) -> Errors:
    """Call what the article calls, in its way."""
    classes = np.unique(labels)
    weights = compute_class_weight("balanced", classes=classes, y=labels)
    f1 = keras.metrics.F1Score(threshold=0.5)
    return Errors(
        find_error(lambda: compute_class_weight("balanced", classes, labels), TypeError),
        find_error(lambda: _fit_nothing(labels, class_weight=weights), AttributeError),
        find_error(lambda: _fit_nothing(labels, class_weights=weights), TypeError),
        find_error(lambda: _fit_nothing(labels[:, None], loss=f1), ValueError),
    )


def measure_losses(labels: NDArray[Any]) -> Losses:
    """Fit with the right class weights, without any, and with keys that went through JSON."""
    weights = dict(enumerate(balance_weights(labels)))
    from_json = json.loads(json.dumps(weights))
    given = None, weights, from_json
    return Losses(*(_fit_nothing(labels, class_weight=w).history["loss"][0] for w in given))


def split_last_fifth(classes: Classes) -> LastFifth:
    """Let Keras set validation rows aside and tell how many of both parts are ones."""
    labels = make_labels(classes)
    fit = _fit_nothing(labels, metrics=[share_of_ones], validation_split=VALIDATION_SHARE)
    shares = fit.history
    return LastFifth(classes, shares["share_of_ones"][0], shares["val_share_of_ones"][0])


def share_of_ones(labels: Any, _: Any) -> Any:
    """A metric that looks at the labels only."""
    return ops.cast(labels, "float32")


def measure_keras_f1(labels: NDArray[Any]) -> tuple[float, float]:
    """Keras' F1 of scores that rank everyone right: default threshold, and 0.5."""
    scores = np.where(labels == 1, 0.9, 0.1).astype(np.float32)[:, None]
    found = []
    for metric in keras.metrics.F1Score(), keras.metrics.F1Score(threshold=0.5):
        metric.update_state(labels[:, None], scores)
        found.append(float(ops.convert_to_numpy(metric.result())[0]))
    return found[0], found[1]


def move_weights_by_metric(labels: NDArray[Any]) -> bool:
    """Train twice from the same seed, with F1 among the metrics and without: do weights differ?"""
    inputs = (labels + np.random.default_rng(0).normal(size=len(labels)))[:, None]
    learnt = []
    for metrics in [], [keras.metrics.F1Score(threshold=0.5)]:
        seed_everything(0)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=metrics)
        model.fit(inputs, labels[:, None], batch_size=BATCH_SIZE, verbose=0)
        learnt.append(np.concatenate([np.ravel(w) for w in model.get_weights()]))
    return not np.array_equal(*learnt)


def _fit_nothing(
    labels: NDArray[Any],
    *,
    loss: Any = "binary_crossentropy",
    metrics: list[Any] | None = None,
    **options: Any,
) -> Any:
    """Fit one epoch at learning rate 0 a network that gives everyone the article's prevalence."""
    bias = keras.initializers.Constant(float(np.log(N_POSITIVE / N_NEGATIVE)))
    start = {"kernel_initializer": "zeros", "bias_initializer": bias}
    layers = [keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid", **start)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.0), loss, metrics=metrics)
    inputs = np.zeros((len(labels), 1), dtype=np.float32)
    return model.fit(inputs, labels, batch_size=BATCH_SIZE, verbose=0, **options)
