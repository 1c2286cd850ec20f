"""The page of events, made from their records."""

import inspect
import re

from propensity.events import NightEvent
from propensity.reference.markdown import write_table

INTRODUCTION = """\
# Events

Made by `python -m propensity.reference` from the records in propensity/events.py. The
job emits them to the Prefect server; automations, other programs and the event feed of the UI may
listen. Each is about the resource `propensity.night.DATE`, DATE being the date the night stands
for. Dates and times are ISO 8601. Which of them notify somebody: [operations.md](operations.md).
"""
EVENTS = tuple(NightEvent.__subclasses__())


def describe_events() -> str:
    """Return the page in Markdown."""
    return "\n".join([INTRODUCTION, *map(_describe, EVENTS)])


def _describe(event: type[NightEvent]) -> str:
    meaning, _, fields = (inspect.getdoc(event) or "").partition("\n\nArgs:\n")
    table = write_table(["payload", "meaning"], re.findall(r"(\w+): (.+)", fields))
    return f"## {event.name}\n\n{meaning}\n\n{table}"
