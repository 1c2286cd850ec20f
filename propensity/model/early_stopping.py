"""Which epoch of a training is kept: F1 on rows set aside decides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from propensity.errors import ModelError
from propensity.metrics.classification import compare_f1, measure_f1
from propensity.metrics.threshold import choose_threshold
from propensity.model.encoder import Encoder
from propensity.model.network import Predictor

CLEAR_LEVEL = 0.999
"""Of the interval: the best so far is compared with each later epoch, in five members (ADR 8)."""
OnEpoch = Callable[[int, float], None]
"""Called with the epoch, from 1, and its validation F1."""


@dataclass(frozen=True)
class ScoredEpoch:
    """An epoch on the validation rows: whom it would call, how good that is, and its weights."""

    f1: float
    validation_average_precision: float
    predicted: NDArray[np.bool_]
    weights: list[NDArray[np.float32]]


class ValidationScores:
    """Scores the validation rows after each epoch: F1 chooses the epoch.

    F1 at the best threshold of these rows, which are neither trained nor judged on. It depends on
    ranks alone, so class weights and resampling need no correction; `val_loss` would be unweighted
    while the training loss is weighted. The last epoch is kept unless the best one is clearly
    better, by the paired interval of F1: on rows this few the highest is often so by chance, and a
    network stopped before its learning rate has decayed is worse (docs/network.md).
    """

    def __init__(
        self,
        network: keras.Model,
        encoder: Encoder,
        validation: pa.Table,
        patience: int,
        on_epoch: OnEpoch,
    ) -> None:
        self.network = network  # that is trained, with its statistics looked up
        self.predictor = Predictor(network)
        self.inputs = encoder.encode(validation)
        self.responses = validation["response"].to_numpy()
        self.patience, self.on_epoch = patience, on_epoch
        self.n_epochs = self.n_worse = 0
        self.best: ScoredEpoch | None = None

    def end_epoch(self, epoch: int) -> bool:
        """Score; return False after `patience` epochs in a row that are clearly worse."""
        now = self._score(epoch)
        self.n_epochs = epoch + 1
        if self.best is None or now.f1 >= self.best.f1:
            self.best = now
        self.n_worse = self.n_worse + 1 if self._is_clearly_worse(now) else 0
        self.kept = self.best if self.n_worse else now
        self.on_epoch(epoch + 1, now.f1)
        return self.n_worse < self.patience

    def restore_kept(self) -> None:
        """Let the network be that of the epoch that is kept."""
        self.network.set_weights(self.kept.weights)

    def _score(self, epoch: int) -> ScoredEpoch:
        logits = self.predictor.predict_logits(*self.inputs)
        if not np.isfinite(logits).all():
            found = f"After epoch {epoch + 1} the network's scores are no numbers"
            raise ModelError(found, todo="Training diverged: lower learning_rate")
        predicted = logits >= choose_threshold(self.responses, logits)
        precision = float(average_precision_score(self.responses, logits))
        f1 = measure_f1(self.responses, predicted)
        return ScoredEpoch(f1, precision, predicted, self.network.get_weights())

    def _is_clearly_worse(self, now: ScoredEpoch) -> bool:
        if self.best is None or self.best is now:
            return False
        return is_clearly_better(self.responses, self.best.predicted, now.predicted)


def is_clearly_better(
    responses: NDArray[Any], best: NDArray[np.bool_], other: NDArray[np.bool_]
) -> bool:
    """Whether the best of several epochs has the higher F1 by more than chance, all shape (n,)."""
    return compare_f1(responses, best, other, seed=0, level=CLEAR_LEVEL).low > 0
