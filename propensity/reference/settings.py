"""The page of every setting with its default and bounds, made from their fields."""

import datetime as dt
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from propensity.reference.markdown import write_table
from propensity.settings import NightlyConfig, Settings

INTRODUCTION = """\
# Settings

Made by `python -m propensity.reference` from propensity/settings.py. Set by environment
variable, or as a flow parameter (`config`) in the Prefect UI, which wins; what belongs to the
machine is never a flow parameter. A value out of bounds stops the night before it starts (exit
code 2).

Prefect's own variables work as always. Without `PREFECT_API_URL`, `propensity run` needs no server:
Prefect starts one for the time of the run and keeps its history in `data/prefect`.
"""
COLUMNS = ("variable", "default", "bounds", "what it is")
BOUNDS = {
    "as_of": "a date",
    "csv": "a path, a glob, or a JSON list of them",
    "database_url": "SQLite or PostgreSQL",
    "deadline": "a local time",
    "webhook_url": "http or https",
}
"""What no field says as a number or a choice."""
DEFAULT = "; default: "
"""Before the default in a description, where it is no value."""


def describe_settings() -> str:
    """Return the page in Markdown."""
    machine, night = Settings.model_fields, NightlyConfig.model_fields
    sections = {
        "Of the machine": machine,
        "Of the night: the flow parameter `config`": night,
    }
    return INTRODUCTION + "".join(
        f"\n## {title}\n\n{write_table(COLUMNS, [_describe(*field) for field in fields.items()])}"
        for title, fields in sections.items()
    )


def _describe(name: str, field: FieldInfo) -> tuple[str, ...]:
    meaning, _, default = (field.description or "").partition(DEFAULT)
    if SecretStr in get_args(field.annotation):
        meaning += "; a secret"
    return (
        f"`PROPENSITY_{name.upper()}`",
        default or _show_default(field),
        BOUNDS.get(name) or _show_bounds(field),
        meaning,
    )


def _show_default(field: FieldInfo) -> str:
    if field.default in (None, []):
        return "none"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    if isinstance(field.default, dt.time):
        return f"{field.default:%H:%M}"
    return str(field.default) if isinstance(field.default, int | float) else f"`{field.default}`"


def _show_bounds(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    bounds: dict[str, Any] = {}
    for limit in field.metadata:
        bounds |= {
            side: getattr(limit, side) for side in ("ge", "gt", "le", "lt") if hasattr(limit, side)
        }
    if not bounds:
        return ""
    low = f"above {bounds['gt']}" if "gt" in bounds else str(bounds["ge"])
    if "lt" in bounds:
        return f"{low} to below {bounds['lt']}"
    return f"{low} to {bounds['le']}" if "le" in bounds else f"{low} or more"
