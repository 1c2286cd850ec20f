"""Was the book oversampled before it came here? Then copies stand on both sides of every fold.

Copies that keep their id are rejected one by one (ingest_files.py). Those that were given new ids
look like other policyholders: a model learns their responses by heart and is judged on them.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from propensity.errors import InputError
from propensity.ingest.contract import Contract
from propensity.storage.parquet_parts import read_batches

N_KEPT = 500_000
"""Of a larger book a sample of about so many is looked at: memory does not grow with the book."""
MIN_ROWS = 100
"""Of either class, or there is nothing to compare."""
MOST_COPIES = 0.1
"""Of the ones. By chance few are alike: six in 10,000 of our table."""
MOST_TIMES = 2
"""As often as among the zeros: where a contract has few features many are alike, ones or not."""


def refuse_copies(parts: tuple[Path, ...], n_labelled: int, contract: Contract) -> None:
    """Refuse a book whose ones repeat one another far more often than its zeros do.

    Args:
        parts: Of the curated book.
        n_labelled: Policyholders in them whose response is known.
        contract: Declares the features.

    Raises:
        InputError: More than a tenth of the ones are copies, and more than twice as many as zeros.
    """
    rows = _digest_rows(parts, contract, every=1 + n_labelled // N_KEPT)
    classes = [rows[rows["response"] == k]["digest"] for k in (0, 1)]
    zeros, ones = map(_find_copied_share, classes)
    if min(map(len, classes)) < MIN_ROWS or ones <= max(MOST_COPIES, MOST_TIMES * zeros):
        return
    raise InputError(
        f"{ones:.0%} of the policyholders who said yes are like another one in every column"
        f" ({zeros:.0%} of those who said no)",
        expected="everybody once: copies would be learnt by heart and then judged",
        todo="Send the book as it was before it was oversampled; PROPENSITY_STRATEGY=oversample"
        " does that with training rows alone",
    )


def _digest_rows(parts: tuple[Path, ...], contract: Contract, every: int) -> pd.DataFrame:
    """Digest the labelled rows; of a large book those rows whose digest falls into the sample."""
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
