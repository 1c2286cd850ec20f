"""The templates, and the filters that format numbers and text in them."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from propensity.metrics import catalog
from propensity.storage.atomic_write import write_whole

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html.j2"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def format_share(share: float, places: int = 1) -> str:
    """Format a share in per cent, with a no-break space before the sign."""
    return f"{100 * share:.{places}f}\N{NO-BREAK SPACE}%"


def escape_markdown(text: object) -> str:
    """Escape the characters that Markdown would interpret."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", str(text))


templates.globals["catalog"] = catalog
templates.filters |= {
    "count": "{:,.0f}".format,
    "percent": format_share,
    "quality": "{:.4f}".format,
    "signed": "{:+.4f}".format,
    "plain": escape_markdown,
}


def write_text(text: str, path: Path) -> Path:
    """Write a page atomically and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return path
