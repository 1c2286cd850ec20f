"""Compare the call lists of two stored nights."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Engine, Subquery, exists, func, or_, select

from propensity.warehouse.engine import explain_absence
from propensity.warehouse.schema.tables import policyholder_scores, suppressions


@dataclass(frozen=True)
class CallListChange:
    """Change from the call list of an earlier night to that of a later one.

    Args:
        n_before: Leads on the earlier list, at most as many as can be called.
        n_now: Leads on the later list.
        n_stayed: Policyholders on both lists.
    """

    n_before: int
    n_now: int
    n_stayed: int

    @property
    def n_entered(self) -> int:
        """Policyholders who are only on the later list."""
        return self.n_now - self.n_stayed

    @property
    def n_left(self) -> int:
        """Policyholders who are only on the earlier list."""
        return self.n_before - self.n_stayed


def compare_call_lists(
    engine: Engine, before: tuple[int, dt.date], now: tuple[int, dt.date], n_calls: int
) -> CallListChange | None:
    """Compare the best leads of two stored nights, each without those suppressed on its date.

    Args:
        engine: The warehouse.
        before: Run id and date of the earlier night.
        now: Run id and date of the later night.
        n_calls: Number of calls that can be made.

    Returns:
        The change, or None if the scores of the earlier night are no longer stored.

    Raises:
        WarehouseError: The database does not answer.
    """
    then, tonight = _list_calls(*before, n_calls), _list_calls(*now, n_calls)
    both = then.join(tonight, then.c.policyholder_id == tonight.c.policyholder_id)
    counts = [select(func.count()).select_from(f).scalar_subquery() for f in (then, tonight, both)]
    with explain_absence(engine), engine.connect() as connection:
        n_before, n_now, n_stayed = connection.execute(select(*counts)).one()
    return CallListChange(n_before, n_now, n_stayed) if n_before else None


def _list_calls(run_id: int, as_of: dt.date, n_calls: int) -> Subquery:
    scores, rows = policyholder_scores.c, suppressions.c
    objected = exists().where(
        rows.policyholder_id == scores.policyholder_id,
        rows.valid_from <= as_of,
        or_(rows.valid_until.is_(None), rows.valid_until >= as_of),
    )
    return (
        select(scores.policyholder_id)
        .where(scores.run_id == run_id, scores.lead_rank.is_not(None), ~objected)
        .order_by(scores.lead_rank)
        .limit(n_calls)
        .subquery()
    )
