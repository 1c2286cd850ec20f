"""The page of events, made from their records.

Write docs/events.md: .venv/bin/python -m propensity.reference.events > docs/events.md
"""

import inspect
import re
import sys

from propensity.events import (
    F1Dropped,
    ModelNotPromoted,
    NightDrifted,
    NightEvent,
    NightLate,
    NightPublished,
)

INTRODUCTION = """\
# Events

Made by `python -m propensity.reference.events` from the records in propensity/events.py. The
job emits them to the Prefect server; automations, other programs and the event feed of the UI may
listen. Each is about the resource `propensity.night.DATE`, DATE being the date the night stands
for. Dates and times are ISO 8601. Which of them notify somebody: [operations.md](operations.md).
"""


EVENTS: tuple[type[NightEvent], ...] = (
    NightPublished,
    ModelNotPromoted,
    F1Dropped,
    NightDrifted,
    NightLate,
)


def describe_events() -> str:
    """Return the page in Markdown."""
    return "\n".join([INTRODUCTION, *map(_describe, EVENTS)])


def _describe(event: type[NightEvent]) -> str:
    meaning, _, fields = (inspect.getdoc(event) or "").partition("\n\nArgs:\n")
    rows = "".join(f"| {n} | {text} |\n" for n, text in re.findall(r"(\w+): (.+)", fields))
    return f"## {event.name}\n\n{meaning}\n\n| payload | meaning |\n|---|---|\n{rows}"


if __name__ == "__main__":
    sys.stdout.write(describe_events())
