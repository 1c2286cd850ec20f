"""The class balance of a night's book, as a page and as Markdown."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract
from propensity.metrics.class_balance import ClassBalance, measure_balance
from propensity.reporting.book_charts import draw_balance
from propensity.reporting.pictures import to_image, to_svg
from propensity.reporting.rendering import templates, write_text


@dataclass(frozen=True)
class BalanceReport:
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


def describe_balance(
    book: CuratedBook, contract: Contract, run_name: str, as_of: dt.date
) -> BalanceReport:
    """Collect the facts.

    Raises:
        InputError: Too few ones or zeros to learn from.
    """
    balance = measure_balance(book.n_labelled, book.n_positive)
    return BalanceReport(as_of, run_name, book, balance, contract)


def render_markdown(report: BalanceReport) -> str:
    """Markdown with the histogram inline, well under 200 kB."""
    image = to_image(draw_balance(report.balance, report.contract.response.name))
    return templates.get_template("class_balance.md.j2").render(report=report, histogram=image)


def write_page(report: BalanceReport, folder: Path) -> Path:
    """Write a self-contained HTML page and return its path."""
    svg = to_svg(draw_balance(report.balance, report.contract.response.name), "balance")
    page = templates.get_template("class_balance.html.j2").render(report=report, histogram=svg)
    return write_text(page, folder / "class_balance.html")
