"""Layers by hand, saving, loading, and who pays for TensorFlow."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from propensity.errors import ModelError
from propensity.model.cross_fitting import _check_reloaded
from propensity.model.encoded_rows import EncodedRows
from propensity.model.encoder import Encoder
from propensity.model.network import architecture
from propensity.model.network.architecture import (
    Predictor,
    add_statistics,
    build_network,
    load_network,
    seed_everything,
)
from propensity.model.network.family import load
from propensity.model.network.layers import (
    CategoryEmbeddings,
    LowRankCross,
    PiecewiseLinear,
)
from propensity.model.target_encoding import pair_features

ENCODER = Encoder({"c": ["a", "b"], "d": [1, 2, 3]}, {"x": [0.0, 10.0, 30.0], "y": [1.0, 2.0]})
PAIRS = pair_features(ENCODER)
Inputs = tuple[NDArray[np.int32], NDArray[np.float32]]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    seed_everything(1)
    table = np.random.default_rng(2).normal(size=PAIRS.starts[-1]).astype(np.float32)
    return add_statistics(build_network(ENCODER, PAIRS, seed=1), ENCODER, PAIRS, table)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, [3, 4], (1000, 2), dtype=np.int32)
    return codes, rng.normal(5, 10, (1000, 2)).astype(np.float32)


def label(inputs: Inputs) -> EncodedRows:
    nothing = np.zeros(len(inputs[0]), dtype=np.int64)
    return EncodedRows(*inputs, nothing, nothing)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((-5, 0), (0, 0, 0)),
        ((0, 1), (0, 0, 0)),
        ((5, 1.25), (0.5, 0, 0.25)),
        ((10, 1.5), (1, 0, 0.5)),
        ((15, 2), (1, 0.25, 1)),
        ((30, 2), (1, 1, 1)),
        ((99, 7), (1, 1, 1)),
    ],
)
def test_piecewise_linear(numbers: tuple[float, float], expected: tuple[float, ...]) -> None:
    layer = PiecewiseLinear(list(ENCODER.edges.values()))
    found = layer(np.array([numbers], dtype=np.float32)).numpy()
    assert found.tolist() == [list(expected)]


def test_every_category_has_vectors_of_its_own() -> None:
    layer = CategoryEmbeddings([1, 3, 4, 9], width=2)  # the unknown one and 0, 2, 3 and 8 values
    layer.build((None, 4))
    layer.set_weights([np.arange(1 * 1 + 3 * 1 + 4 * 2 + 9 * 2, dtype=np.float32)])
    codes = np.array([[0, 0, 0, 0], [0, 2, 3, 8]], dtype=np.int32)
    assert layer(codes).numpy().tolist() == [[0, 1, 4, 5, 12, 13], [0, 3, 10, 11, 28, 29]]


def test_low_rank_cross() -> None:
    layer = LowRankCross(1)
    x0, x = np.array([[1.0, 2.0]], dtype=np.float32), np.array([[3.0, 4.0]], dtype=np.float32)
    layer.build(((None, 2), (None, 2)))
    layer.project.set_weights([np.array([[1.0], [2.0]])])  # U x = 3 + 2 * 4 = 11
    layer.expand.set_weights([np.array([[10.0, 1.0]]), np.array([0.5, -1.0])])  # 110.5, 10
    assert layer((x0, x)).numpy().tolist() == [[1 * 110.5 + 3, 2 * 10 + 4]]


def test_a_saved_network_gives_the_same_logits(
    model: keras.Model, inputs: Inputs, tmp_path: Path
) -> None:
    model.save(tmp_path / "model.keras")
    loaded = load_network(tmp_path / "model.keras")
    trained, reloaded = (Predictor(m).predict_logits(*inputs) for m in (model, loaded))
    assert trained.dtype == np.float32
    assert trained.std() > 0
    assert np.array_equal(trained, reloaded)
    _check_reloaded(Predictor(model), Predictor(loaded), tmp_path / "model.keras", label(inputs))


def test_a_network_that_scores_differently_once_reloaded_is_refused(
    model: keras.Model, inputs: Inputs, tmp_path: Path
) -> None:
    model.save(tmp_path / "model.keras")
    altered = load_network(tmp_path / "model.keras")
    altered.set_weights([w + np.float32(1e-3) for w in altered.get_weights()])
    altered.save(path := tmp_path / "model.keras")
    with pytest.raises(ModelError, match=r"model\.keras, the model scores 1,000 of 1,000"):
        _check_reloaded(Predictor(model), load(path), path, label(inputs))


def test_the_whole_network_is_the_trained_one_with_its_statistics_looked_up(
    inputs: Inputs,
) -> None:
    trained = build_network(ENCODER, PAIRS, seed=1)
    table = np.random.default_rng(2).normal(size=PAIRS.starts[-1]).astype(np.float32)
    whole = add_statistics(trained, ENCODER, PAIRS, table)
    statistics = table[PAIRS.find_cells(*inputs)]
    expected = trained([*inputs, statistics]).numpy()[:, 0]
    assert expected.std() > 0
    assert Predictor(whole).predict_logits(*inputs) == pytest.approx(expected, abs=1e-5)
    frozen = [w.name for w in whole.non_trainable_weights]
    assert len(frozen) == 1
    assert len(whole.trainable_weights) == len(trained.trainable_weights)


def test_code_in_a_network_file_is_not_run(tmp_path: Path) -> None:
    given = keras.Input((1,))
    keras.Model(given, keras.layers.Lambda(lambda x: x)(given)).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="unsafe"):
        load_network(tmp_path / "model.keras")


def test_logits_are_those_of_keras(model: keras.Model, inputs: Inputs) -> None:
    expected = model.predict(list(inputs), verbose=0)[:, 0]
    assert Predictor(model).predict_logits(*inputs) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n_rows", [0, 1, 17, 128, 129])
def test_a_row_scores_the_same_in_any_company(
    model: keras.Model, inputs: Inputs, n_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(architecture, "PREDICT_ROWS", 128)  # 129: one row would be left alone
    predictor = Predictor(model)
    together = predictor.predict_logits(*inputs)
    some = np.random.default_rng(2).permutation(1000)[:n_rows]
    assert np.array_equal(
        predictor.predict_logits(inputs[0][some], inputs[1][some]), together[some]
    )


def test_the_seed_decides_the_weights() -> None:
    networks = [build_network(ENCODER, PAIRS, seed) for seed in (5, 5, 6)]
    weights = [np.concatenate([w.ravel() for w in n.get_weights()]) for n in networks]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.slow
def test_only_training_and_scoring_pay_for_tensorflow() -> None:
    names = "{'tensorflow', 'keras'} & set(sys.modules)"
    code = f"import sys, flows.nightly, flows.cli.main; print(sorted({names}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
