"""Sort a scored book by probability, best first, in memory that does not grow with the book.

This is a distribution sort: the counts of probabilities assign each row to a bucket of about a
million neighbours; the buckets are written to disk, then read and sorted one after the other.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from propensity.scoring.percentiles import ProbabilityRanks
from propensity.storage import parquet_parts
from propensity.storage.parquet_parts import PartWriter

BUCKET_ROWS = 1_000_000


def sort_by_probability(
    batches: Iterable[pa.Table], ranks: ProbabilityRanks, folder: Path
) -> Iterator[pa.Table]:
    """Yield the rows by decreasing probability; ties are sorted by policyholder_id.

    Args:
        batches: Tables with one schema, which includes policyholder_id and probability.
        ranks: Counts of all these probabilities. If more than a million are equal, they stay in
            one bucket, and memory grows with their number.
        folder: Folder for the temporary buckets; they are removed at the end.
    """
    buckets = _distribute(batches, ranks, folder)
    order = [("probability", "descending"), ("policyholder_id", "ascending")]
    for bucket in buckets:
        if bucket.paths:
            rows = pa.concat_tables(pq.read_table(path) for path in bucket.paths).sort_by(order)
            for start in range(0, rows.num_rows, parquet_parts.BATCH_ROWS):
                yield rows.slice(start, parquet_parts.BATCH_ROWS)
        for path in bucket.paths:
            path.unlink()
        bucket.folder.rmdir()


def _distribute(
    batches: Iterable[pa.Table], ranks: ProbabilityRanks, folder: Path
) -> list[PartWriter]:
    n_buckets = math.ceil(ranks.n_rows / BUCKET_ROWS)
    writers: list[PartWriter] = []
    with ExitStack() as stack:
        for batch in batches:
            for number in range(len(writers), n_buckets):
                writer = PartWriter(folder / f"bucket-{number:05d}", batch.schema)
                writers.append(stack.enter_context(writer))
            n_better = ranks.count_better(batch["probability"].to_numpy())
            bucket = n_better // BUCKET_ROWS
            for number in np.unique(bucket):
                writers[number].write(batch.filter(pa.array(bucket == number)))
    return writers
