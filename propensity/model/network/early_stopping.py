"""Early stopping: F1 on the validation rows decides which epoch is kept."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from propensity.errors import ModelError
from propensity.metrics.classification import compare_f1
from propensity.model.encoded_rows import EncodedRows
from propensity.model.network.architecture import Predictor
from propensity.model.records import OnEpoch
from propensity.model.validation import ValidationScore, score_validation

CLEAR_LEVEL = 0.999
"""Confidence level for keeping an earlier epoch (about 30 comparisons a night; ADR 8)."""


@dataclass(frozen=True)
class ScoredEpoch:
    """Validation score and weights after an epoch."""

    score: ValidationScore
    weights: list[NDArray[np.float32]]


class ValidationScores:
    """Scores the validation rows after each epoch and chooses an epoch by F1.

    This is F1 at the best threshold of these rows, which serve neither training nor evaluation. It
    depends on ranks alone, so class weights and resampling need no correction, while `val_loss`
    would be unweighted and the training loss weighted. The last epoch is kept unless an earlier one
    is clearly better by the paired interval of F1: on so few rows the highest F1 is often chance,
    and a network stopped before its learning rate has decayed is worse (docs/network.md).
    """

    def __init__(
        self,
        network: keras.Model,
        validation: EncodedRows,
        patience: int,
        on_epoch: OnEpoch,
    ) -> None:
        self.network = network  # the network in training, with lookup of the statistics
        self.predictor = Predictor(network)
        self.validation = validation
        self.patience, self.on_epoch = patience, on_epoch
        self.n_epochs = self.n_worse = 0
        self.best: ScoredEpoch | None = None

    def end_epoch(self, epoch: int) -> bool:
        """Score an epoch; return False after `patience` clearly worse epochs in a row."""
        now = self._score(epoch)
        self.n_epochs = epoch + 1
        if self.best is None or now.score.f1 >= self.best.score.f1:
            self.best = now
        self.n_worse = self.n_worse + 1 if self._is_clearly_worse(now) else 0
        self.kept = self.best if self.n_worse else now
        self.on_epoch(epoch + 1, now.score.f1)
        return self.n_worse < self.patience

    def restore_kept(self) -> None:
        """Restore the weights of the epoch that is kept."""
        self.network.set_weights(self.kept.weights)

    def _score(self, epoch: int) -> ScoredEpoch:
        logits = self.predictor.predict_logits(self.validation.codes, self.validation.numbers)
        if not np.isfinite(logits).all():
            found = f"Training diverged: after epoch {epoch + 1} scores are not finite"
            raise ModelError(found, todo="Lower PROPENSITY_LEARNING_RATE")
        score = score_validation(self.validation.responses, logits)
        return ScoredEpoch(score, self.network.get_weights())

    def _is_clearly_worse(self, now: ScoredEpoch) -> bool:
        if self.best is None or self.best is now:
            return False
        predicted = self.best.score.predicted, now.score.predicted
        return is_clearly_better(self.validation.responses, *predicted)


def is_clearly_better(
    responses: NDArray[Any], best: NDArray[np.bool_], other: NDArray[np.bool_]
) -> bool:
    """Return whether the best of several epochs has clearly higher F1; arrays of shape (n,)."""
    return compare_f1(responses, best, other, seed=0, level=CLEAR_LEVEL).low > 0
