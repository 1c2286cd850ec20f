"""The class balance of a night's book, as a page and as Markdown."""

from pathlib import Path

from propensity.reporting.book_charts import draw_balance
from propensity.reporting.pictures import to_image, to_svg
from propensity.reporting.rendering import templates, write_text
from propensity.runtime.book_facts import BookFacts


def render_markdown(report: BookFacts) -> str:
    """Render Markdown with the histogram inline, well under 200 kB."""
    image = to_image(draw_balance(report.balance, report.contract.response.name))
    return templates.get_template("class_balance.md.j2").render(report=report, histogram=image)


def write_page(report: BookFacts, folder: Path) -> Path:
    """Write a self-contained HTML page and return its path."""
    svg = to_svg(draw_balance(report.balance, report.contract.response.name), "balance")
    page = templates.get_template("class_balance.html.j2").render(report=report, histogram=svg)
    return write_text(page, folder / "class_balance.html")
