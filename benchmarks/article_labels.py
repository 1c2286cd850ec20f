"""A label vector of the article's shape, and the two samplers."""

from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from numpy.typing import NDArray

N_NEGATIVE, N_POSITIVE = 319_553, 62_601
"""What the article's first lines of output say."""
Classes = tuple[int, int]
"""Zeros, ones."""


def make_labels(classes: Classes = (N_NEGATIVE, N_POSITIVE)) -> NDArray[np.int8]:
    """Return zeros, then ones: the order in which the article joins its two frames."""
    return np.repeat(np.array([0, 1], dtype=np.int8), classes)


def undersample(labels: NDArray[Any], seed: int) -> NDArray[np.intp]:
    """Return the rows that are left, shape (2 * ones,)."""
    rows = np.arange(len(labels))[:, None]
    return np.asarray(RandomUnderSampler(random_state=seed).fit_resample(rows, labels)[0][:, 0])


def oversample(labels: NDArray[Any], seed: int) -> NDArray[np.intp]:
    """Return all rows and the repeated ones, shape (2 * zeros,)."""
    rows = np.arange(len(labels))[:, None]
    return np.asarray(RandomOverSampler(random_state=seed).fit_resample(rows, labels)[0][:, 0])


def sample_with_pandas(labels: NDArray[Any]) -> tuple[Classes, Classes]:
    """Under- and oversample as the article does, each class a Series of its own; no seed either."""
    everyone = pd.Series(labels)
    zeros, ones = everyone[everyone == 0], everyone[everyone == 1]
    fewer_zeros, more_ones = zeros.sample(len(ones)), ones.sample(len(zeros), replace=True)
    return (len(fewer_zeros), len(ones)), (len(zeros), len(more_ones))


def count_classes(labels: NDArray[Any]) -> Classes:
    """Count zeros and ones."""
    n_zeros, n_ones = np.bincount(labels, minlength=2)
    return int(n_zeros), int(n_ones)
