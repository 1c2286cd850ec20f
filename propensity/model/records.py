"""Records of fitting one member, and what a family of models has to offer."""

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
"""Called with the epoch, from 1, and its validation F1."""


@dataclass(frozen=True)
class TrainingData:
    """What one member is fitted on.

    Args:
        encoder: Which codes and bins there are.
        rows: The training rows, and after them those that the strategy made.
        validation: Rows that only decide when to stop.
        plan: Which of the training rows count, and how.
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
        """Return one logit a row, shape (n,), the same whichever other rows are scored with it."""


@dataclass(frozen=True)
class Fitted:
    """A model that was fitted and saved.

    Args:
        predictor: The model.
        validation_f1: Of the model that was saved.
        validation_average_precision: The same.
        n_epochs: Epochs it was trained for; None where the family has no epochs.
    """

    predictor: Predictor
    validation_f1: float
    validation_average_precision: float
    n_epochs: int | None


class Family(Protocol):
    """A module that knows how to fit, save and load models of one kind."""

    def fit(
        self, data: TrainingData, config: NightlyConfig, seed: int, path: Path, on_epoch: OnEpoch, /
    ) -> Fitted:
        """Fit a model and save it as one file; tell `on_epoch` how each epoch went."""

    def load(self, path: Path, /) -> Predictor:
        """Read a saved model; code inside the file is never run."""
