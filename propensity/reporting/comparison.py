"""A comparison of strategies as a page and as Markdown."""

from pathlib import Path

from propensity.comparison.records import Comparison
from propensity.reporting.pictures import to_image, to_svg
from propensity.reporting.quality_charts import draw_comparison
from propensity.reporting.rendering import templates, write_text


def render_markdown(comparison: Comparison) -> str:
    """Render Markdown with the picture inline, well under 200 kB."""
    picture = to_image(draw_comparison(comparison))
    template = templates.get_template("comparison.md.j2")
    return template.render(comparison=comparison, picture=picture)


def write_page(comparison: Comparison, folder: Path) -> Path:
    """Write a self-contained HTML page and return its path."""
    picture = to_svg(draw_comparison(comparison), "comparison")
    page = templates.get_template("comparison.html.j2")
    return write_text(
        page.render(comparison=comparison, picture=picture), folder / "comparison.html"
    )
