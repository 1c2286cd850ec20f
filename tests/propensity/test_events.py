import dataclasses
import datetime as dt
import json
import re

import pytest

from propensity.events import NightDrifted, NightLate
from propensity.reference.events import EVENTS, describe_events

TODAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.name)
def test_every_field_is_described_and_only_they(event):
    section = describe_events().partition(f"## {event.name}\n")[2].partition("\n## ")[0]
    described = re.findall(r"^\| (\w+) \|", section, re.MULTILINE)
    assert described == ["payload", *[f.name for f in dataclasses.fields(event)]]


def test_names_are_ours_and_differ():
    names = [event.name for event in EVENTS]
    assert len(set(names)) == len(EVENTS)
    assert all(re.fullmatch(r"propensity\.[a-z]+\.[a-z0-9-]+", name) for name in names)


def test_a_payload_is_json_with_dates_as_iso_8601():
    late = NightLate(TODAY, dt.datetime(2026, 11, 24, 6, tzinfo=dt.UTC), None, "no run has begun")
    assert json.loads(json.dumps(late.payload)) == {
        "as_of": "2026-11-24",
        "deadline": "2026-11-24T06:00:00+00:00",
        "readers_as_of": None,
        "reason": "no run has begun",
    }
    assert late.resource_id == "propensity.night.2026-11-24"


def test_columns_and_indices_stay_in_order():
    drifted = NightDrifted(TODAY, "run", TODAY, ("age", "region_code"), (0.5, 0.3), 0.25)
    payload = json.loads(json.dumps(drifted.payload))
    assert payload["columns"] == ["age", "region_code"]
    assert payload["stability_indices"] == [0.5, 0.3]
