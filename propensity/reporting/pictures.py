"""How pictures look, and their two forms: SVG for the page, a small image for the artifact.

Both are transparent. The image is drawn in mid tones that read on light and on dark; in the SVG
these tones become CSS variables, which the page sets for either theme. Colours differ in lightness
too, and marks in shape, so that nobody needs to tell red from green.
"""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType
from PIL import Image

INK, QUIET, LOUD, COOL = "#7a7a7a", "#8fa3b8", "#d9772b", "#3a7fc1"
VARIABLES = {INK: "--ink", QUIET: "--quiet", LOUD: "--loud", COOL: "--cool"}
WIDTH = 4.8
"""Inches: 346 units of an SVG, a card's width on a phone, so that 12 points are 12 pixels there."""
STYLE: dict[RcKeyType, Any] = {
    "font.size": 12,
    "axes.labelsize": 12,
    "xtick.labelsize": 11.5,
    "ytick.labelsize": 11.5,
    "legend.fontsize": 11.5,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "ytick.major.pad": 5,
    "text.parse_math": False,  # a name is text even with two dollar signs, which would be a formula
    "svg.fonttype": "none",
}
DPI = 100
N_COLOURS = 48


@contextmanager
def draw_on_axes(height: float, width: float = WIDTH) -> Iterator[tuple[Figure, Axes]]:
    """Make a figure in our style, to be drawn on.

    Args:
        height: In inches.
        width: In inches.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()
        figure.draw_without_rendering()  # lays it out, once for both forms
        figure.set_layout_engine("none")


def format_axis_counts(axes: Axes, axis: str) -> None:
    """Write the numbers of an axis with thousands separators."""
    getattr(axes, f"{axis}axis").set_major_formatter(lambda value, _: f"{value:,.0f}")


def format_axis_shares(axes: Axes, axis: str) -> None:
    """Write the numbers of an axis as per cent."""
    getattr(axes, f"{axis}axis").set_major_formatter(lambda value, _: f"{100 * value:.6g} %")


def to_svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element whose text is text and whose colours are the page's.

    Args:
        figure: Drawn in our style.
        name: Unlike the other pictures' on the page: ids must not meet.
    """
    # a salt and no date: the same facts, the same bytes
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    picture = io.StringIO()
    with rc_context(STYLE | {"svg.hashsalt": name}):
        figure.savefig(picture, format="svg", transparent=True, metadata=metadata)
    svg = picture.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(
        r' id="[\w.]+_\d+"| (?:width|height)="[\d.]+pt"|<!--.*?-->', "", svg, flags=re.DOTALL
    )
    svg = svg.replace("<svg ", '<svg aria-hidden="true" ', 1)  # the page describes it, as a whole
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable}, {colour})")
    return svg


def to_image(figure: Figure) -> str:
    """Return a figure as the data URI of a PNG with few colours."""
    picture, small = io.BytesIO(), io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(picture, format="png", dpi=DPI, transparent=True)
    few = Image.open(picture).quantize(N_COLOURS, method=Image.Quantize.FASTOCTREE)
    few.save(small, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(small.getvalue()).decode()}"
