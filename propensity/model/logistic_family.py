"""The family of logistic regressions on categories and binned numbers, without interactions.

A baseline that takes a second. It is saved as JSON; loading and scoring need only numpy.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from propensity.errors import ModelError
from propensity.model.encoder import bin_numbers
from propensity.model.records import Fitted, OnEpoch, TrainingData
from propensity.settings import NightlyConfig
from propensity.storage.atomic_write import write_whole

MAX_ITERATIONS = 300


@dataclass(frozen=True)
class LogisticModel:
    """A fitted regression.

    Args:
        cuts: Inner edges of the bins of each number, increasing, in the column's unit.
        intercept: Logit without any coefficient.
        coefficients: For each feature, categories first, one coefficient per code or bin.
    """

    cuts: Sequence[Sequence[float]]
    intercept: float
    coefficients: Sequence[Sequence[float]]

    def predict_logits(
        self, codes: NDArray[np.int32], numbers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return one logit per row, shape (n,), independent of the other rows in the call."""
        binned = bin_numbers(codes, numbers, self.cuts)
        logits = np.full(len(codes), self.intercept)
        for feature, coefficients in enumerate(self.coefficients):
            logits += np.array(coefficients)[binned[:, feature]]
        return logits.astype(np.float32)


def fit(
    data: TrainingData, _config: NightlyConfig, _seed: int, path: Path, _on_epoch: OnEpoch
) -> Fitted:
    """Fit a regression with an L2 penalty of 1 and save it as JSON.

    Raises:
        ModelError: The loss of the strategy is not cross-entropy.
    """
    from propensity.model.validation import score_validation  # scikit-learn

    if data.plan.loss != "cross_entropy":
        raise ModelError(
            f"A logistic regression cannot minimise the loss {data.plan.loss}",
            expected="a strategy with the loss cross_entropy",
            todo="Set another PROPENSITY_STRATEGY, or PROPENSITY_MODEL_FAMILY=network",
        )
    model, validation = _regress(data), data.validation
    with write_whole(path) as unfinished:
        unfinished.write_text(json.dumps(asdict(model)), encoding="utf-8")
    logits = model.predict_logits(validation.codes, validation.numbers)
    score = score_validation(validation.responses, logits)
    return Fitted(model, score.f1, score.validation_average_precision, n_epochs=None)


def load(path: Path) -> LogisticModel:
    """Read a saved regression."""
    return LogisticModel(**json.loads(path.read_text(encoding="utf-8")))


def _regress(data: TrainingData) -> LogisticModel:
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression

    drawn, cuts, sizes = data.plan.rows, data.encoder.cuts, data.encoder.sizes
    responses = data.rows.responses[drawn]
    binned = bin_numbers(data.rows.codes[drawn], data.rows.numbers[drawn], cuts)
    starts = np.cumsum([0, *sizes])
    # one-hot: each row has a one in the columns of its codes
    ends = np.arange(0, binned.size + 1, len(sizes))
    columns = (binned + starts[:-1]).ravel()
    one_hot = csr_array((np.ones(binned.size), columns, ends), shape=(len(drawn), starts[-1]))
    weights = np.array(data.plan.class_weights)[responses]
    regression = LogisticRegression(max_iter=MAX_ITERATIONS).fit(one_hot, responses, weights)
    coefficients = np.split(regression.coef_[0], starts[1:-1])
    return LogisticModel(cuts, float(regression.intercept_[0]), [c.tolist() for c in coefficients])
