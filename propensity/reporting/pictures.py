"""The style of pictures and their two forms: SVG for the page, a small image for the artifact.

Both are transparent. The image uses mid tones that are legible on light and dark backgrounds; in
the SVG these tones become CSS variables, which the page sets for each theme. Colours also differ in
lightness, and marks in shape, so that nobody has to distinguish red from green.
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
"""In inches: 346 SVG units, the width of a card on a phone, where 12 points are then 12 pixels."""
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
    "text.parse_math": False,  # text between two dollar signs in a name is not a formula
    "svg.fonttype": "none",
}
DPI = 100
N_COLOURS = 48


@contextmanager
def draw_on_axes(height: float, width: float = WIDTH) -> Iterator[tuple[Figure, Axes]]:
    """Create a figure in the common style to draw on.

    Args:
        height: Height in inches.
        width: Width in inches.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()
        figure.draw_without_rendering()  # computes the layout once for both forms
        figure.set_layout_engine("none")


def format_axis_counts(axes: Axes, axis: str) -> None:
    """Write the numbers of an axis with thousands separators."""
    getattr(axes, f"{axis}axis").set_major_formatter(lambda value, _: f"{value:,.0f}")


def format_axis_shares(axes: Axes, axis: str) -> None:
    """Write the numbers of an axis as per cent."""
    getattr(axes, f"{axis}axis").set_major_formatter(lambda value, _: f"{100 * value:.6g} %")


def to_svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element with real text and the colours of the page.

    Args:
        figure: Figure in the common style.
        name: Unique name on the page, so that element ids do not collide.
    """
    # a fixed salt and no date, so that equal facts give equal bytes
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    picture = io.StringIO()
    with rc_context(STYLE | {"svg.hashsalt": name}):
        figure.savefig(picture, format="svg", transparent=True, metadata=metadata)
    svg = picture.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(
        r' id="[\w.]+_\d+"| (?:width|height)="[\d.]+pt"|<!--.*?-->', "", svg, flags=re.DOTALL
    )
    svg = svg.replace("<svg ", '<svg aria-hidden="true" ', 1)  # the page has an aria-label for it
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
