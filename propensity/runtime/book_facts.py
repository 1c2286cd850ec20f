"""Facts about the book of a night, known before anything is trained."""

import datetime as dt
from dataclasses import dataclass

from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract
from propensity.metrics.class_balance import ClassBalance, measure_balance


@dataclass(frozen=True)
class BookFacts:
    """Everything the templates say.

    Args:
        as_of: The night's date.
        run_name: The run.
        book: What was ingested.
        balance: Of the labelled rows.
        contract: Which columns were read and what they mean.
    """

    as_of: dt.date
    run_name: str
    book: CuratedBook
    balance: ClassBalance
    contract: Contract

    @property
    def n_unlabelled(self) -> int:
        """Policyholders to be scored but not learnt from."""
        return self.book.n_rows - self.book.n_labelled

    @property
    def rejected_share(self) -> float:
        """Share of the rows read that broke the contract."""
        return self.book.n_rejected / (self.book.n_rows + self.book.n_rejected)


def describe_book(
    book: CuratedBook, contract: Contract, run_name: str, as_of: dt.date
) -> BookFacts:
    """Collect the facts.

    Raises:
        InputError: Too few ones or zeros to learn from.
    """
    balance = measure_balance(book.n_labelled, book.n_positive)
    return BookFacts(as_of, run_name, book, balance, contract)
