"""The fold of a policyholder is for ever: pinned values, even shares, nothing else matters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from propensity.folds import (
    CONTROL_SALT,
    N_FOLDS,
    VALIDATION_SALT,
    assign_folds,
    hash_ids,
    select_share,
)

GOLDEN = 0x9E3779B97F4A7C15
ids = hnp.arrays(np.int64, st.integers(0, 60), elements=st.integers(0, 10**15 - 1))


def test_hash_is_splitmix64() -> None:
    # the first outputs of the reference implementation seeded with 0: https://prng.di.unimi.it
    reference = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    states = np.array([k * GOLDEN % 2**64 for k in range(4)], np.uint64).view(np.int64)
    assert hash_ids(states).tolist() == reference
    assert [int(hash_ids(np.array([0]), salt=k)[0]) for k in range(4)] == reference


def test_folds_are_pinned_for_ever() -> None:
    # If this fails the hash has changed: do not change the test, past scores would leak.
    assert N_FOLDS == 5
    assert VALIDATION_SALT == 1
    some = np.array([0, 1, 2, 3, 4, 5, 381_109, 508_146, 10**15 - 1])
    assert assign_folds(some).tolist() == [0, 0, 0, 3, 3, 3, 0, 2, 4]
    chosen = select_share(np.arange(100), 0.1, VALIDATION_SALT)
    assert np.flatnonzero(chosen).tolist() == [7, 14, 16, 20, 33, 38, 53, 55, 61, 74, 99]


def test_the_control_group_is_pinned_for_ever() -> None:
    # If this fails people change sides, and what calling did can no longer be told.
    assert CONTROL_SALT == 2
    control = np.flatnonzero(select_share(np.arange(1000), 0.02, CONTROL_SALT))
    assert control.tolist() == [
        14, 23, 262, 313, 346, 352, 399, 410, 413, 422,
        453, 511, 548, 652, 693, 741, 904, 913, 977, 991,
    ]  # fmt: skip


@given(ids, st.randoms(use_true_random=False), st.integers(1, 7))
def test_neither_order_nor_chunks_nor_type_matter(
    policyholder_ids: np.ndarray, random, n_chunks: int
) -> None:
    folds = assign_folds(policyholder_ids)
    order = np.array(random.sample(range(len(policyholder_ids)), len(policyholder_ids)), int)
    assert (assign_folds(policyholder_ids[order]) == folds[order]).all()
    chunks = np.array_split(policyholder_ids, n_chunks)
    assert (np.concatenate([assign_folds(c) for c in chunks]) == folds).all()
    assert (assign_folds(policyholder_ids.astype(np.float64)) == folds).all()
    assert folds.dtype == np.int8
    assert set(folds) <= set(range(N_FOLDS))


@given(st.integers(0, 10**15 - 10**7), st.sampled_from([1, 2, 5, 10, 100, 1024]))
def test_folds_are_even_whatever_the_numbering(first: int, step: int) -> None:
    n = 10_000
    n_in_fold = np.bincount(assign_folds(first + step * np.arange(n)), minlength=N_FOLDS)
    # six standard errors: a sound hash fails in fewer than 1 of 10 million examples
    assert np.abs(n_in_fold - n / N_FOLDS).max() < 6 * np.sqrt(n * 0.2 * 0.8)


def test_validation_rows_are_as_many_in_every_fold() -> None:
    some = np.arange(200_000)
    chosen = select_share(some, 0.1, VALIDATION_SALT)
    shares = [chosen[assign_folds(some) == fold].mean() for fold in range(N_FOLDS)]
    assert shares == pytest.approx([0.1] * N_FOLDS, abs=6 * np.sqrt(0.09 / 40_000))


@pytest.mark.parametrize("salt", [0, VALIDATION_SALT])
def test_a_larger_share_only_adds(salt: int) -> None:
    some = np.arange(5_000)
    smaller, larger = (select_share(some, share, salt) for share in (0.1, 0.3))
    assert not (smaller & ~larger).any()
    assert not select_share(some, 0, salt).any()
    assert select_share(some, 1, salt).all()
