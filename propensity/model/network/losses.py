"""The losses that strategies use."""

from typing import Any

import keras
from keras import ops

from propensity.model.imbalance import LossName
from propensity.model.prior_correction import FOCUS


class SoftF1(keras.losses.Loss):
    """One minus the F1 of a batch, with probabilities in place of decisions.

    2 sum(p y) / (sum(p) + sum(y)) is differentiable, unlike F1. The learnt scores rank but are not
    probabilities until they are calibrated.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the batch, the mean over towers; y_pred: logits, shape (n, towers)."""
        p = ops.sigmoid(y_pred)
        found = 2 * ops.sum(p * y_true, axis=0)
        return ops.mean(1 - found / (ops.sum(p, axis=0) + ops.sum(y_true, axis=0)))


def make_loss(name: LossName) -> keras.losses.Loss:
    """Return the named loss, which takes logits."""
    if name == "focal":
        return keras.losses.BinaryFocalCrossentropy(gamma=FOCUS, from_logits=True)
    return SoftF1() if name == "soft_f1" else keras.losses.BinaryCrossentropy(from_logits=True)
