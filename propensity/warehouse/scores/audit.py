"""Is in the table what the parts hold: counts, checksums and ranges."""

import math
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Engine, Integer, cast, func, or_, select

from propensity.errors import WarehouseError
from propensity.scoring.records import ScoredBook
from propensity.storage.parquet_parts import read_batches
from propensity.warehouse.scores.checksum import code_rows, sum_codes
from propensity.warehouse.scores.run_tables import table_of

ID_MODULUS = 65_521
"""Ids are summed modulo this prime: the sum of 100 million of 15 digits would not fit 64 bits."""
TODO = "Nothing was published: the last good night stays readable"
TOLERANCE = 1e-6
"""PostgreSQL reads decimals where SQLite gets binary floats: sums differ in the eighth digit."""


@dataclass(frozen=True)
class Fingerprint:
    """What must be the same in the parts and in the table.

    `row_sum` ties every value to its id (propensity.warehouse.scores.checksum), `id_sum` is modulo
    ID_MODULUS, `n_wrong` counts values that are null or out of range.
    """

    n_rows: int
    n_leads: int
    last_rank: int
    rank_sum: int
    n_control: int
    id_sum: int
    row_sum: int
    probability_sum: float
    n_wrong: int = 0

    def matches(self, other: "Fingerprint") -> bool:
        """Tell whether nothing was lost, added or changed."""
        same = math.isclose(self.probability_sum, other.probability_sum, rel_tol=TOLERANCE)
        return same and replace(self, probability_sum=other.probability_sum) == other


def audit_scores(engine: Engine, run_id: int, expected: Fingerprint, n_expected: int) -> None:
    """Compare the table of a run with the parts it was loaded from.

    Ids that are there twice were found when the table was indexed.

    Args:
        engine: The warehouse.
        run_id: Whose table.
        expected: Of the parts.
        n_expected: Policyholders that ingest counted.

    Raises:
        WarehouseError: They differ, or a value is null or out of range.
    """
    found = summarize_table(engine, run_id)
    if not found.matches(expected) or found.n_rows != n_expected:
        raise WarehouseError(
            f"Audit of run {run_id}: the table holds {found}",
            expected=f"{n_expected:,} policyholders and {expected}",
            todo=TODO,
        )


def summarize_parts(scores: ScoredBook) -> Fingerprint:
    """Read the parts once more; they come best first, and ranks run from 1 without a gap.

    Raises:
        WarehouseError: They do not.
    """
    n_rows = n_ranked = id_sum = row_sum = 0
    probability_sum, lowest = 0.0, np.inf
    for part in scores.parts:
        for batch in read_batches(part):
            ranks = batch["lead_rank"].drop_null().to_numpy()
            p = np.append(lowest, batch["probability"].to_numpy())
            in_order = np.array_equal(ranks, n_ranked + np.arange(1, len(ranks) + 1))
            if not in_order or (np.diff(p) > 0).any():
                raise WarehouseError(f"Audit: ranks in {part} are not in order", todo=TODO)
            n_ranked, lowest = n_ranked + len(ranks), p[-1]
            n_rows += batch.num_rows
            id_sum += int((batch["policyholder_id"].to_numpy() % ID_MODULUS).sum())
            row_sum += int(code_rows(batch).sum())
            probability_sum += batch["probability"].to_numpy().sum(dtype=np.float64)
    n_leads = scores.n_leads
    ranks = n_leads, n_leads, n_leads * (n_leads + 1) // 2
    sums = id_sum, row_sum, float(probability_sum)
    return Fingerprint(n_rows, *ranks, scores.n_control, *sums)


def summarize_table(engine: Engine, run_id: int) -> Fingerprint:
    """Read the table of a run once."""
    table = table_of(run_id)
    scores = table.c
    wrong = or_(
        scores.probability.is_(None),
        ~scores.probability.between(0, 1),
        ~scores.percentile.between(0, 100),
        ~scores.decile.between(1, 10),
        ~scores.predicted_response.in_([0, 1]),
        ~scores.is_control.in_([0, 1]),
        (scores.is_control == 1) & scores.lead_rank.is_not(None),
    )
    query = select(
        func.count(),
        func.count(scores.lead_rank),
        func.coalesce(func.max(scores.lead_rank), 0),
        func.coalesce(func.sum(scores.lead_rank), 0),
        func.sum(scores.is_control),
        func.sum(cast(scores.policyholder_id % ID_MODULUS, Integer)),
        sum_codes(table),
        func.sum(scores.probability),
        func.count().filter(wrong),
    )
    with engine.connect() as connection:
        row = connection.execute(query).one()
    n_rows, n_leads, last, rank_sum, n_control, ids, codes, total, n_wrong = row
    ranks = n_leads, last, int(rank_sum)
    sums = int(ids or 0), int(codes or 0), total or 0.0
    return Fingerprint(n_rows, *ranks, int(n_control or 0), *sums, n_wrong)
