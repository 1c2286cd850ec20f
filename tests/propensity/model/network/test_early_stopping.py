"""Which epoch is clearly better, and which only by chance."""

import numpy as np
import pytest
from numpy.typing import NDArray

from propensity.metrics.classification import measure_f1
from propensity.model.network.early_stopping import is_clearly_better

N_ROWS = 3000
N_EPOCHS = 7


@pytest.fixture(scope="module")
def truth() -> NDArray[np.float64]:
    return np.random.default_rng(1).beta(0.6, 4.0, N_ROWS)


def predict(truth: NDArray[np.float64], noise: float, rng: np.random.Generator):
    return truth + noise * rng.normal(size=N_ROWS) > 0.25


def test_of_epochs_equally_good_the_best_is_hardly_ever_clearly_better(
    truth: NDArray[np.float64],
) -> None:
    """At 95 % it is so in one training of twelve."""
    rng, n_early = np.random.default_rng(2), 0
    for _ in range(100):
        responses = rng.random(N_ROWS) < truth
        epochs = [predict(truth, 0.1, rng) for _ in range(N_EPOCHS)]
        best = max(epochs, key=lambda predicted: measure_f1(responses, predicted))
        n_early += is_clearly_better(responses, best, epochs[-1])
    assert n_early <= 3


def test_an_epoch_that_has_become_worse_is_found(truth: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(3)
    responses = rng.random(N_ROWS) < truth
    best, other = predict(truth, 0.1, rng), predict(truth, 0.4, rng)
    assert is_clearly_better(responses, best, other)
    assert not is_clearly_better(responses, other, best)
