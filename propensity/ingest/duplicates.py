"""Detect a book that was oversampled before it arrived: copies would be on both sides of a fold.

Copies with the same id are rejected one by one (curation.py). Copies with new ids look like
different policyholders: the model would memorize their responses and be evaluated on them.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from propensity.errors import InputError
from propensity.ingest.contract import Contract
from propensity.storage.parquet_parts import read_batches

N_KEPT = 500_000
"""Approximate sample size for a larger book, so that memory does not grow with the book."""
MIN_ROWS = 100
"""Smallest number of rows of either class for a comparison."""
MOST_COPIES = 0.1
"""Largest accepted share of copies among the ones; by chance it is six in 10,000 of our table."""
MOST_TIMES = 2
"""Largest ratio to the share among the zeros: with few features, many rows are equal anyway."""


def refuse_copies(parts: tuple[Path, ...], n_labelled: int, contract: Contract) -> None:
    """Reject a book whose ones are copies of each other far more often than its zeros are.

    Args:
        parts: Parts of the curated book.
        n_labelled: Number of labelled policyholders in them.
        contract: Declares the features.

    Raises:
        InputError: More than a tenth of the ones are copies, and more than twice the zeros' share.
    """
    rows = _digest_rows(parts, contract, every=1 + n_labelled // N_KEPT)
    classes = [rows[rows["response"] == k]["digest"] for k in (0, 1)]
    zeros, ones = map(_find_copied_share, classes)
    if min(map(len, classes)) < MIN_ROWS or ones <= max(MOST_COPIES, MOST_TIMES * zeros):
        return
    raise InputError(
        f"{ones:.0%} of the policyholders who said yes are identical to another one in every column"
        f" ({zeros:.0%} of those who said no)",
        expected="each policyholder once, because copies would be both learnt and evaluated",
        todo="Send the book from before it was oversampled; PROPENSITY_STRATEGY=oversample"
        " oversamples training rows only",
    )


def _digest_rows(parts: tuple[Path, ...], contract: Contract, every: int) -> pd.DataFrame:
    """Digest the labelled rows; in a large book, only those whose digest is in the sample."""
    names, kept = [*(c.curated_name for c in contract.features), "response"], []
    for part in parts:
        for batch in read_batches(part, names):
            labelled = batch.filter(batch["response"].is_valid()).to_pandas()
            digest = pd.util.hash_pandas_object(labelled, index=False).to_numpy()
            frame = pd.DataFrame(
                {"digest": digest, "response": labelled["response"].astype("int8")}
            )
            kept.append(frame[digest % np.uint64(every) == 0])
    rows: pd.DataFrame = pd.concat(kept)
    return rows


def _find_copied_share(digests: "pd.Series[int]") -> float:
    return 1 - digests.nunique() / len(digests) if len(digests) else 0.0
