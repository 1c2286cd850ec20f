"""The decision card: what an operator has to know of a night, on one screen."""

import dataclasses
from pathlib import Path

import pytest

from propensity.monitoring.drift import ColumnDrift
from propensity.reporting.decision import DecisionCard, render_card, render_refusal
from propensity.runtime.night_facts import NightFacts
from propensity.scoring.gains import GainTally
from propensity.storage.tallies import tally_parts
from propensity.warehouse.call_list import CallListChange
from propensity.warehouse.queries import RunSummary

from .conftest import N_ROWS, NOBODY

N_CALLS = 1000
LAST = RunSummary(
    run_id=1,
    run_name="2026-11-01-0123abcd",
    n_policyholders=11_111,
    n_rejected=22,
    n_labelled=8_333,
    n_leads=3_444,
    n_control=255,
    prevalence=0.1166,
    model_version="v1",
    decision="promoted",
    decision_reason="It is good.",
    f1_score=0.44,
    f1_low=0.43,
    f1_high=0.45,
    threshold_low=0.21,
    threshold_high=0.22,
    readers_run_id=1,
)


def make_card(report: NightFacts, n_calls: int = N_CALLS, **changed) -> DecisionCard:
    tally = GainTally(report.scores.n_leads, NOBODY, n_calls)
    tally_parts(report.scores.parts, tally)
    report = dataclasses.replace(report, calls=tally.forecast)
    paths = {"page": Path("/srv/night.html"), "model_card": Path("/srv/v2/card.md")}
    return DecisionCard(report, n_calls, **paths | {"change": None, "last": None} | changed)


def read(card: DecisionCard) -> str:
    return render_card(card).replace("\N{NO-BREAK SPACE}", " ").replace("\\", "")


@pytest.fixture(scope="module")
def second(report: NightFacts) -> str:
    return read(make_card(report, last=LAST, change=CallListChange(1000, 990, 920)))


def test_it_begins_with_the_outcome_and_the_reason(report, first_report, second):
    assert second.splitlines()[0] == "# Not promoted: the champion v1 scores the book"
    assert second.splitlines()[2] == report.decision.reason
    assert read(make_card(first_report)).startswith("# Promoted: the candidate scores the book")


def test_f1_stands_beside_champion_and_baselines_with_intervals(report, second):
    quality = report.contest.candidate.evaluation
    interval = f"{quality.f1_interval.low:.4f} to {quality.f1_interval.high:.4f}"
    assert f"| **candidate** | {quality.f1:.4f} | {interval} |" in second
    assert f"| champion v1 | {quality.f1:.4f} | {interval} |" in second
    assert "| candidate minus champion | +0.0000 | -0.0010 to +0.0010 |" in second
    assert "| everyone positive | 0.2200 |" in second
    assert "| the rule <i>&amp;</i> | 0.4000 |" in second


def test_counts_stand_beside_those_of_last_night(report, second):
    assert f"| rows read | {N_ROWS:,} | 11,133 |" in second
    assert "| rejected | 5 | 22 |" in second
    assert f"| policyholders scored | {N_ROWS - 5:,} | 11,111 |" in second
    assert f"| leads | {report.scores.n_leads:,} | 3,444 |" in second
    assert f"| prevalence | {report.book.balance.prevalence:.2%} | 11.66% |" in second.replace(
        " %", "%"
    )


def test_it_says_what_as_many_calls_as_can_be_made_bring(report, second):
    card = make_card(report)
    low, high = f"{card.report.calls.expected_low:,.0f}", f"{card.report.calls.expected_high:,.0f}"
    said = f"Call the 1,000 best leads: expect **{card.report.calls.expected_buyers:,.0f} buyers**"
    assert f"{said} ({low} to {high})" in second
    assert f"{card.report.calls.lift:.1f} times as many as random calls." in second


def test_it_does_not_ask_for_more_calls_than_there_are_leads(report):
    text = read(make_card(report, n_calls=20_000))
    assert f"All {report.scores.n_leads:,} leads can be called: expect **" in text
    assert "random calls" not in text
    assert "There are no leads to call." in read(
        DecisionCard(dataclasses.replace(report, calls=None), 1, None, None, Path(), Path())
    )


def test_it_says_who_is_new_among_the_best(report, first_report, second):
    assert "Among the best 1,000 since 2026-11-01: **70 entered, 80 left**, 920 stayed." in second
    assert "are no longer stored, so new leads" in read(make_card(report, last=LAST))
    first = read(make_card(first_report))
    assert "This is the first night: all leads are new." in first
    assert "2026-11-01 |" not in first


def test_it_says_what_moved(report):
    moved = ColumnDrift("Region_Code", 0.31, 0, 0)
    drifted = dataclasses.replace(report, since_last_night=(moved,))
    text = read(make_card(drifted, last=LAST))
    assert "* Region_Code has shifted since 2026-11-01 (PSI 0.31, large)" in text
    quiet = dataclasses.replace(report, since_last_night=(), not_answered=(), reliability=())
    assert "Nothing has shifted notably" in read(make_card(quiet, last=LAST))


def test_it_says_where_the_rest_is_and_is_small(second):
    assert "`/srv/night.html`" in second
    assert "`/srv/v2/card.md`" in second
    assert "`SELECT * FROM leads ORDER BY lead_rank LIMIT 1000`" in second
    assert len(second.encode()) < 10_000


def test_a_refusal_says_why_and_that_nothing_is_published(report):
    refused = dataclasses.replace(report.decision, outcome="rejected", serving=None)
    text = render_refusal(report.contest, refused)
    assert text.startswith("# Not promoted, and there is no champion: nothing is published")
    assert report.decision.reason in text
