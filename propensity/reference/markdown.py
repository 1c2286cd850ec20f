"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, with one row per line."""
    lines = [columns, ["---"] * len(columns), *rows]
    cells = ("".join(f" {cell} |" if cell else " |" for cell in line) for line in lines)
    return "".join(f"|{line}\n" for line in cells).replace(" --- ", "---")
