"""The queries marketing copies from docs/marketing.md do what their headings say."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from propensity.warehouse.suppression_file import Suppression
from propensity.warehouse.suppressions import record_suppressions

from .conftest import read

PAGE = (Path(__file__).parents[3] / "docs" / "marketing.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## ([^\n]+)\n(?:(?!^## ).)*?```sql\n(.*?)```", re.MULTILINE | re.DOTALL)
QUERIES = dict(SECTION.findall(PAGE))


def query(number: int) -> str:
    return next(sql for title, sql in QUERIES.items() if title.startswith(f"{number}. "))


@pytest.fixture
def nights(engine, publish_night):
    """Two nights; in the second the best leads of the first have answered, left or objected."""
    publish_night(1)
    ids = np.arange(1, 1001)
    ids[3] = 5000  # policyholder 4, the best lead, has left the book
    known = (np.arange(1000) % 5 < 3).astype(np.int8)
    known[4] = 1  # the second best has answered
    control = (np.arange(1000) >= 980).astype(np.int8)
    is_lead = (known == 0) & (control == 0)
    ranks = pa.array(np.cumsum(is_lead), mask=~is_lead)
    publish_night(2, policyholder_id=ids, response_known=known, lead_rank=ranks)
    today = pd.Timestamp.now("UTC").date()
    record_suppressions(engine, [Suppression(9, "objected", today, None)], by="ann")
    return engine


def test_there_are_ten():
    numbers = [int(title.split(".")[0]) for title in QUERIES if title[0].isdigit()]
    assert numbers == list(range(1, 11))


@pytest.mark.parametrize("title", QUERIES)
def test_every_query_finds_something(nights, title):
    found = read(nights, QUERIES[title])
    assert len(found), title


def test_whom_to_call_first(nights):
    found = read(nights, query(1))
    assert found["lead_rank"].is_monotonic_increasing
    assert found["probability"].is_monotonic_decreasing
    assert len(found) == 20


def test_expected_buyers_are_those_of_the_gains(nights):
    one = read(nights, query(2)).iloc[0]
    leads = read(nights, "SELECT probability FROM leads ORDER BY lead_rank LIMIT 200")
    assert one["expected_buyers"] == pytest.approx(leads["probability"].sum())
    need = read(nights, query(4)).iloc[0]
    gains = read(nights, "SELECT * FROM lead_gains ORDER BY percent")
    enough = gains[gains["expected_low"] >= 50]
    assert need["calls"] == enough["n_policyholders"].iloc[0]


def test_five_of_every_region(nights):
    found = read(nights, query(5))
    sizes = found.groupby("region_code").size()
    assert sizes.max() == 5
    leads = read(nights, "SELECT * FROM leads")
    best = leads.sort_values("lead_rank").groupby("region_code").head(5)
    assert set(found["policyholder_id"]) == set(best["policyholder_id"])


def test_every_channel_gets_what_it_can_call(nights):
    counts = read(nights, query(6))["sales_channel"].value_counts()
    assert counts.to_dict() == {26: 100, 152: 40}


def test_a_budget_is_spent_on_what_pays(nights):
    found = read(nights, query(7)).iloc[0]
    leads = read(nights, "SELECT probability FROM leads")["probability"]
    paying = leads[leads * 60 > 4]
    assert found["calls"] == len(paying)
    assert found["expected_profit"] == pytest.approx((paying * 60 - 4).sum())


def test_changes_are_since_last_night(nights):
    found = read(nights, query(8))
    assert (found["change"] == found["tonight"] - found["last_night"]).all()
    assert found["change"].abs().is_monotonic_decreasing
    assert found["change"].abs().max() > 0


def test_who_dropped_out_and_why(nights):
    why = read(nights, query(9)).set_index("policyholder_id")["why"]
    assert why[[4, 5, 9]].tolist() == ["not in the book any more", "has answered", "suppressed"]


def test_the_control_group_stands_beside_the_called(nights):
    found = read(nights, query(10))
    assert found.groupby("is_control")["policyholders"].sum().to_dict() == {0: 391, 1: 8}
    assert found["answered"].sum() == 1, "policyholder 5 has answered since"
    answer = read(nights, "SELECT response FROM current_scores WHERE policyholder_id = 5")
    assert found["said_yes"].sum() == answer["response"].iloc[0]
