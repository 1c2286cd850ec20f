"""An epoch in one call learns what Keras's own steps learn."""

from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from propensity.model.imbalance import TrainingPlan
from propensity.model.network.architecture import seed_everything
from propensity.model.network.losses import make_loss
from propensity.model.network.training_loop import (
    WEIGHT_DECAY,
    EpochLearner,
    fit_network,
)
from propensity.settings import NightlyConfig

N_ROWS = 1000
Rows = tuple[NDArray[Any], ...]


class Seen:
    """Notes the weights after each epoch; stops after one of them."""

    def __init__(self, network: keras.Model, stop_after: int = 99) -> None:
        self.network, self.stop_after, self.weights = network, stop_after, []

    def end_epoch(self, epoch: int) -> bool:
        self.weights.append(self.network.get_weights())
        return epoch + 1 < self.stop_after


@pytest.fixture(scope="module")
def rows() -> Rows:
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(N_ROWS, 3)).astype(np.float32)
    return rng.integers(0, 4, (N_ROWS, 2), dtype=np.int32), numbers, numbers[:, :1] * 2


@pytest.fixture(scope="module")
def responses(rows: Rows) -> NDArray[np.int8]:
    return (rows[1][:, 0] > 1).astype(np.int8)


def build() -> keras.Model:
    seed_everything(5)
    codes = keras.Input((2,), dtype="int32")
    numbers, statistics = keras.Input((3,)), keras.Input((1,))
    vectors = keras.layers.Flatten()(keras.layers.Embedding(4, 2)(codes))
    x = keras.layers.Concatenate()([vectors, numbers, statistics])
    x = keras.layers.Dense(8, activation="relu")(x)
    return keras.Model([codes, numbers, statistics], keras.layers.Dense(1)(x))


def fit(network: keras.Model, rows: Rows, responses: NDArray[Any], plan: TrainingPlan, **options):
    watch = Seen(network, options.pop("stop_after", 99))
    config = NightlyConfig(**{"max_epochs": 2, "batch_size": 100, "learning_rate": 0.01} | options)
    fit_network(network, rows, responses, plan, config, seed=3, watch=watch)
    return watch


@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "soft_f1"])
def test_a_step_is_that_of_keras(rows: Rows, responses: NDArray[np.int8], loss) -> None:
    """Whatever the number of rows, in parts or not; with class weights."""
    batch = np.arange(7, 208)
    plan = TrainingPlan(np.arange(N_ROWS), class_weights=(0.5, 3.0), loss=loss)
    ours, theirs = build(), build()
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 1)
    learner = EpochLearner(ours, rows, responses, plan, len(batch), schedule)
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=WEIGHT_DECAY)
    theirs.compile(optimizer=optimizer, loss=make_loss(loss), jit_compile=False)
    told = learner.learn(keras.ops.convert_to_tensor(batch.astype(np.int32)))
    expected = theirs.train_on_batch(
        [given[batch] for given in rows],
        responses[batch, None].astype(np.float32),
        sample_weight=np.array(plan.class_weights)[responses[batch]],
    )
    assert float(told) == pytest.approx(float(expected), rel=1e-5)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert mine == pytest.approx(other, abs=1e-5)


def test_rows_outside_the_plan_are_not_learnt_from(rows: Rows, responses: NDArray[np.int8]) -> None:
    plan = TrainingPlan(np.arange(0, N_ROWS, 2))
    altered = tuple(given.copy() for given in rows)
    for given in altered:
        given[1::2] = 3
    flipped = np.where(np.arange(N_ROWS) % 2, 1 - responses, responses)
    first, second = build(), build()
    fit(first, rows, responses, plan)
    fit(second, altered, flipped, plan)
    for mine, other in zip(first.get_weights(), second.get_weights(), strict=True):
        assert np.array_equal(mine, other)


def test_the_learning_rate_decays_to_nothing(
    rows: Rows, responses: NDArray[np.int8], monkeypatch
) -> None:
    learners = []

    class Noted(EpochLearner):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            learners.append(self)

    monkeypatch.setattr("propensity.model.network.training_loop.EpochLearner", Noted)
    watch = fit(build(), rows, responses, TrainingPlan(np.arange(N_ROWS)), max_epochs=6)
    moved = [
        np.abs(after[2] - before[2]).max()
        for before, after in zip(watch.weights[:-1], watch.weights[1:], strict=True)
    ]
    assert moved[-1] < 0.03 * moved[0]
    assert float(learners[0].optimizer.learning_rate) < 1e-4


def test_training_stops_when_the_watch_says_so(rows: Rows, responses: NDArray[np.int8]) -> None:
    plan = TrainingPlan(np.arange(N_ROWS))
    watch = fit(build(), rows, responses, plan, max_epochs=5, stop_after=2)
    assert len(watch.weights) == 2


def test_a_handful_of_rows_is_one_batch(rows: Rows, responses: NDArray[np.int8]) -> None:
    network = build()
    before = network.get_weights()
    fit(network, rows, responses, TrainingPlan(np.arange(9)))
    assert not np.array_equal(before[2], network.get_weights()[2])


@pytest.mark.parametrize(
    ("chosen", "n_steps"),
    [(np.arange(N_ROWS), 15), (np.arange(2 * N_ROWS) % N_ROWS, 15), (np.arange(200), 3)],
    ids=["all", "oversampled", "undersampled"],
)
def test_no_strategy_takes_more_steps_than_all_rows_do(
    rows: Rows, responses: NDArray[np.int8], monkeypatch, chosen: NDArray[Any], n_steps: int
) -> None:
    """In batches of 64, the smallest; an epoch of undersampling is one pass over what is left."""
    taken = []

    class Counted(EpochLearner):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.learn = lambda order: taken.append(len(order) // self.batch_size)

    monkeypatch.setattr("propensity.model.network.training_loop.EpochLearner", Counted)
    fit(build(), rows, responses, TrainingPlan(chosen))
    assert taken == [n_steps] * 2
