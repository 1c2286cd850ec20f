"""The losses a strategy may ask for."""

from typing import Any

import keras
from keras import ops

from propensity.model.imbalance import LossName
from propensity.model.prior_correction import FOCUS


class SoftF1(keras.losses.Loss):
    """One less the F1 of a batch, with probabilities in place of decisions.

    2 sum(p y) / (sum(p) + sum(y)): differentiable, as F1 itself is not. What it learns ranks, but
    is no probability: only calibration makes it one.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss for the batch, the mean over towers; y_pred are logits, (n, towers)."""
        p = ops.sigmoid(y_pred)
        found = 2 * ops.sum(p * y_true, axis=0)
        return ops.mean(1 - found / (ops.sum(p, axis=0) + ops.sum(y_true, axis=0)))


def make_loss(name: LossName) -> keras.losses.Loss:
    """Return the loss of a plan; it takes logits."""
    if name == "focal":
        return keras.losses.BinaryFocalCrossentropy(gamma=FOCUS, from_logits=True)
    return SoftF1() if name == "soft_f1" else keras.losses.BinaryCrossentropy(from_logits=True)
