"""Audit the table of a run against its Parquet parts: counts, checksums and ranges."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlalchemy import Engine, func, or_, select

from propensity.errors import WarehouseError
from propensity.scoring.records import SCORES_SCHEMA, ScoredBook
from propensity.warehouse.scores.checksum import sum_columns, sum_columns_in_sql
from propensity.warehouse.scores.table_lifecycle import table_of

ADVICE = "Nothing was published; readers still see the last published night"


@dataclass(frozen=True)
class Fingerprint:
    """Figures that must be equal in the parts and in the table.

    `checksums` are by column (propensity.warehouse.scores.checksum); `n_wrong` counts rows with a
    value that is null or out of range.
    """

    n_rows: int
    n_leads: int
    n_control: int
    n_wrong: int
    checksums: dict[str, int]

    def __str__(self) -> str:
        """Return the counts as a phrase."""
        counts = f"{self.n_rows:,} rows, {self.n_leads:,} leads, {self.n_control:,} in the control"
        return f"{counts} group and {self.n_wrong:,} with a value that is null or out of range"


def audit_scores(engine: Engine, run_id: int, expected: Fingerprint, n_expected: int) -> None:
    """Compare the table of a run with the parts it was loaded from.

    Indexing the table has already ruled out duplicate ids.

    Args:
        engine: The warehouse.
        run_id: Run whose table is audited.
        expected: Fingerprint of the parts.
        n_expected: Number of policyholders that ingest counted.

    Raises:
        WarehouseError: Table and parts differ, or a value is null or out of range.
    """
    found = summarize_table(engine, run_id)
    if found != expected or found.n_rows != n_expected:
        sums = found.checksums.items()
        differ = [name for name, checksum in sums if checksum != expected.checksums[name]]
        raise WarehouseError(
            f"Audit of run {run_id}: the table holds {found}; "
            f"columns that differ from the parts: {', '.join(differ) or 'none'}",
            expected=f"{n_expected:,} policyholders and {expected}",
            todo=ADVICE,
        )


class FingerprintTally:
    """Makes the fingerprint of score parts, which come best first, their ranks without a gap.

    Args:
        scores: Record of the parts; the table has to have its counts of leads and control group.
    """

    columns = tuple(SCORES_SCHEMA.names)

    def __init__(self, scores: ScoredBook) -> None:
        self.scores, self._n_rows, self._n_ranked = scores, 0, 0
        self._lowest, self._checksums = np.inf, Counter[str]()

    def add(self, batch: pa.Table) -> None:
        """Take the next rows into account.

        Raises:
            WarehouseError: They are not in order.
        """
        ranks = batch["lead_rank"].drop_null().to_numpy()
        p = np.append(self._lowest, batch["probability"].to_numpy())
        in_order = np.array_equal(ranks, self._n_ranked + np.arange(1, len(ranks) + 1))
        if not in_order or (np.diff(p) > 0).any():
            raise WarehouseError(
                "Audit: rows or ranks of the score parts are out of order", todo=ADVICE
            )
        self._n_rows, self._n_ranked = self._n_rows + batch.num_rows, self._n_ranked + len(ranks)
        self._lowest = p[-1]
        self._checksums.update(sum_columns(batch))

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint of the rows so far."""
        counts = self._n_rows, self.scores.n_leads, self.scores.n_control
        return Fingerprint(*counts, 0, dict(self._checksums))


def summarize_table(engine: Engine, run_id: int) -> Fingerprint:
    """Return the fingerprint of the table of a run, in one query."""
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
    checksums = sum_columns_in_sql(table)
    query = select(
        func.count(),
        func.count(scores.lead_rank),
        func.coalesce(func.sum(scores.is_control), 0),
        func.count().filter(wrong),
        *checksums.values(),
    )
    with engine.connect() as connection:
        n_rows, n_leads, n_control, n_wrong, *sums = connection.execute(query).one()
    found = {name: int(value or 0) for name, value in zip(checksums, sums, strict=True)}
    return Fingerprint(n_rows, n_leads, int(n_control), n_wrong, found)
