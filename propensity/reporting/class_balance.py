"""The class balance of a night's book, as a page and as Markdown."""

import base64
import datetime as dt
import io
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from matplotlib import rc_context
from matplotlib.figure import Figure

from propensity.contract import Contract
from propensity.dataset import CuratedBook
from propensity.imbalance import ClassBalance, measure_balance

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html.j2"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


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
    png = base64.b64encode(_draw(report, "png")).decode()
    return templates.get_template("class_balance.md.j2").render(report=report, histogram=png)


def write_page(report: BalanceReport, folder: Path) -> Path:
    """Write a self-contained HTML page and return its path."""
    svg = _draw(report, "svg").decode()
    page = templates.get_template("class_balance.html.j2").render(
        report=report, histogram=svg[svg.index("<svg") :]
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "class_balance.html"
    path.write_text(page, encoding="utf-8")
    return path


def _draw(report: BalanceReport, picture_format: str) -> bytes:
    """Draw the histogram of the response."""
    counts = [report.balance.n_negative, report.balance.n_positive]
    figure = Figure(figsize=(5, 2.6), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar(["0: said no", "1: said yes"], counts, color=["#8fa3b8", "#d9772b"])
    axes.bar_label(bars, [f"{n:,}" for n in counts], color="#777777")
    axes.set_ylabel("policyholders", color="#777777")
    # a name is text even with two dollar signs, which would be a formula
    axes.set_title(report.contract.response.name, color="#777777", parse_math=False)
    axes.tick_params(colors="#777777")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color("#777777")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.margins(y=0.15)
    picture = io.BytesIO()
    # transparent and grey: readable on light and dark
    # a salt and no date: the same facts, the same bytes
    metadata = {"Date": None} if picture_format == "svg" else {"Software": None}
    with rc_context({"svg.hashsalt": "class balance"}):
        figure.savefig(picture, format=picture_format, dpi=110, transparent=True, metadata=metadata)
    return picture.getvalue()
