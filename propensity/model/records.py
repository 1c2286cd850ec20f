"""Records of fitting one member, and the interface of a family of models."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from propensity.model.encoded_rows import EncodedRows
from propensity.model.encoder import Encoder
from propensity.model.imbalance import TrainingPlan
from propensity.settings import NightlyConfig

OnEpoch = Callable[[int, float], None]
"""Function of the epoch, from 1, and its validation F1."""


@dataclass(frozen=True)
class TrainingData:
    """The data that one member is fitted on.

    Args:
        encoder: Encoder that knows the codes and bins.
        rows: Training rows, followed by the synthetic rows of the strategy.
        validation: Rows that only decide when to stop.
        plan: Rows, weights and loss of the strategy.
    """

    encoder: Encoder
    rows: EncodedRows
    validation: EncodedRows
    plan: TrainingPlan


class Predictor(Protocol):
    """A fitted model."""

    def predict_logits(
        self, codes: NDArray[np.int32], numbers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return one logit per row, shape (n,), independent of the other rows in the call."""


@dataclass(frozen=True)
class Fitted:
    """A fitted and saved model.

    Args:
        predictor: The model.
        validation_f1: Validation F1 of the saved model.
        validation_average_precision: Validation average precision of the saved model.
        n_epochs: Number of epochs of training; None if the family has no epochs.
    """

    predictor: Predictor
    validation_f1: float
    validation_average_precision: float
    n_epochs: int | None


class Family(Protocol):
    """A module that fits, saves and loads models of one kind."""

    def fit(
        self, data: TrainingData, config: NightlyConfig, seed: int, path: Path, on_epoch: OnEpoch, /
    ) -> Fitted:
        """Fit a model, save it as one file, and call `on_epoch` after each epoch."""

    def load(self, path: Path, /) -> Predictor:
        """Read a saved model without running code from the file."""
