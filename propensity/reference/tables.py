"""The page of tables and views, made from their descriptions."""

from propensity.reference.markdown import write_table
from propensity.warehouse.schema.tables import metadata
from propensity.warehouse.schema.views import describe_view, view_columns, view_comments

INTRODUCTION = """\
# Tables and views

Made by `python -m propensity.reference` from the same descriptions that PostgreSQL shows
as comments (`\\d+ leads` in psql). Marketing needs the views; ten ready queries are in
[marketing.md](marketing.md). Times and days are UTC.
"""
TABLES = [
    "scoring_runs",
    "policyholder_scores",
    "run_thresholds",
    "run_gains",
    "published_run",
    "pointer_moves",
    "model_versions",
    "promotions",
    "suppressions",
]


def describe_warehouse() -> str:
    """Return the page in Markdown: first the views, then the tables."""
    views = (
        _write(f"{view} (view)", view_comments[view], describe_view(view)) for view in view_columns
    )
    tables = (
        _write(table.name, str(table.comment), {c.name: str(c.comment) for c in table.columns})
        for table in sorted(metadata.tables.values(), key=lambda t: TABLES.index(t.name))
    )
    return "\n".join([INTRODUCTION, *views, *tables])


def _write(name: str, meaning: str, columns: dict[str, str]) -> str:
    table = write_table(["column", "meaning"], columns.items())
    return f"## {name}\n\n{meaning[0].upper()}{meaning[1:]}.\n\n{table}"
