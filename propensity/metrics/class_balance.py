"""Class balance: counts, prevalence, ratio and class weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from propensity.errors import InputError

MIN_POSITIVES = 50
"""Smallest number of responses of each class that can be split into folds and evaluated."""


@dataclass(frozen=True)
class ClassBalance:
    """Numbers of respondents that said no (0) and yes (1)."""

    n_negative: int
    n_positive: int

    @property
    def n_labelled(self) -> int:
        """Policyholders whose response is known."""
        return self.n_negative + self.n_positive

    @property
    def prevalence(self) -> float:
        """Share of ones among the labelled."""
        return self.n_positive / self.n_labelled

    @property
    def imbalance_ratio(self) -> float:
        """Number of zeros for each one."""
        return self.n_negative / self.n_positive

    @property
    def no_skill_f1(self) -> float:
        """F1 of calling everyone: precision is the prevalence p and recall 1, so 2p / (1 + p)."""
        return 2 * self.prevalence / (1 + self.prevalence)

    @property
    def accuracy_of_never(self) -> float:
        """Accuracy of predicting no for everyone, which shows that accuracy says nothing here."""
        return 1 - self.prevalence


def measure_balance(n_labelled: int, n_positive: int) -> ClassBalance:
    """Return the class balance.

    Raises:
        InputError: A class has fewer than MIN_POSITIVES rows.
    """
    balance = ClassBalance(n_labelled - n_positive, n_positive)
    if min(balance.n_negative, balance.n_positive) < MIN_POSITIVES:
        raise InputError(
            f"The book has {balance.n_negative:,} zeros and {balance.n_positive:,} ones",
            expected=f"at least {MIN_POSITIVES} of each for training and evaluation",
            todo="Add the file with last year's responses to this night's CSV files",
        )
    return balance


def balance_weights(responses: NDArray[Any]) -> tuple[float, float]:
    """Return weights that balance the classes: n / (2 * n_class), with mean 1 over the rows.

    Args:
        responses: 0 or 1, shape (n,), both present.

    Returns:
        Weight of a zero and of a one; source: King and Zeng 2001, as scikit-learn's "balanced".
    """
    from sklearn.utils.class_weight import compute_class_weight  # slow import: a second

    weights = compute_class_weight("balanced", classes=np.array([0, 1]), y=responses)
    return float(weights[0]), float(weights[1])
