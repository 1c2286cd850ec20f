"""The stable fold of a policyholder.

A policyholder always stays in the same fold, so the member that scores them has never been trained
on their response. Never change these constants: every past comparison depends on them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

N_FOLDS = 5
VALIDATION_SALT = 1
CONTROL_SALT = 2
STATISTICS_SALT = 3
"""Salts give independent hashes of the same id: 0 for the fold, 1 for validation rows, 2 for the
control group, 3 for the parts that target statistics leave out."""


def hash_ids(policyholder_ids: NDArray[Any], salt: int = 0) -> NDArray[np.uint64]:
    """Hash ids uniformly over 64 bits: splitmix64 (Steele, Lea, Flood 2014, fig. 1).

    Args:
        policyholder_ids: Integers, shape (n,).
        salt: Number that selects one of several independent hashes.

    Returns:
        Hashes, shape (n,), identical on every machine.
    """
    golden = 0x9E3779B97F4A7C15
    offset = np.uint64(golden * (salt + 1) & 0xFFFFFFFFFFFFFFFF)
    z = policyholder_ids.astype(np.int64).view(np.uint64) + offset
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def assign_folds(policyholder_ids: NDArray[Any]) -> NDArray[np.int8]:
    """Return the fold of each policyholder, 0 to N_FOLDS - 1, shape (n,)."""
    return (hash_ids(policyholder_ids) % np.uint64(N_FOLDS)).astype(np.int8)


def select_share(policyholder_ids: NDArray[Any], share: float, salt: int) -> NDArray[np.bool_]:
    """Select about `share` of the policyholders, always the same ones, shape (n,)."""
    hashes = hash_ids(policyholder_ids, salt)
    return (hashes >> np.uint64(11)).astype(np.float64) < share * 2.0**53
