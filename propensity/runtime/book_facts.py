"""Facts about the book of a night that are known before training."""

import datetime as dt
from dataclasses import dataclass

from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract
from propensity.metrics.class_balance import ClassBalance, measure_balance


@dataclass(frozen=True)
class BookFacts:
    """The facts that the templates show.

    Args:
        as_of: Date of the night.
        run_name: Name of the run.
        book: The ingested book.
        balance: Class balance of the labelled rows.
        contract: Contract of the columns and their meaning.
    """

    as_of: dt.date
    run_name: str
    book: CuratedBook
    balance: ClassBalance
    contract: Contract

    @property
    def n_unlabelled(self) -> int:
        """Number of policyholders without a known response."""
        return self.book.n_rows - self.book.n_labelled

    @property
    def rejected_share(self) -> float:
        """Rejected rows as a share of all rows read."""
        return self.book.n_rejected / (self.book.n_rows + self.book.n_rejected)


def describe_book(
    book: CuratedBook, contract: Contract, run_name: str, as_of: dt.date
) -> BookFacts:
    """Collect the facts about the book.

    Raises:
        InputError: There are too few ones or zeros to learn from.
    """
    balance = measure_balance(book.n_labelled, book.n_positive)
    return BookFacts(as_of, run_name, book, balance, contract)
