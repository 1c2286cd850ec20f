"""The card of a model version: exact numbers, loose looks, opened in a real browser."""

import dataclasses
import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine

from propensity.evaluation.deciles import compare_buyers
from propensity.evaluation.recalibration import Recalibration
from propensity.evaluation.records import Contender, Contest, Decision
from propensity.evaluation.slices import Slice
from propensity.ingest.contract import load_contract
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Baseline
from propensity.model.store import Member, ModelVersion
from propensity.reporting.card import ModelCard, find_card, render_markdown, render_page, write_card
from propensity.runtime.night import OpenNight
from propensity.settings import NightlyConfig, Settings
from propensity.warehouse.promotions import Promotion
from propensity.warehouse.runs import Night, Run
from tests.propensity.conftest import QUALITY as PLAUSIBLE
from tests.propensity.conftest import change_quality

CONTRACT = load_contract()
QUALITY = change_quality(
    PLAUSIBLE,
    prevalence=0.12345,
    thresholds=(0.21, 0.22, 0.23, 0.24, 0.25),
    f1=0.4567,
    f1_interval=Interval(0.4501, 0.4633),
    precision=0.3412,
    recall=0.6901,
    average_precision=0.3678,
    average_precision_interval=Interval(0.3601, 0.3755),
    roc_auc=0.8571,
    brier=0.0881,
    calibration_error=0.0017,
    mean_probability=0.12351,
)
RNG = np.random.default_rng(0)
PROBABILITY = RNG.beta(0.5, 3.5, 20_000)
DECILES = compare_buyers((RNG.random(20_000) < PROBABILITY).astype(np.int8), PROBABILITY)
HASH = "0123456789abcdef" * 4
NAME = "2026-11-24-0a1b2c3d"
TRAINED = dt.datetime(2026, 11, 24, 2, 17, tzinfo=dt.UTC)
SLICES = (
    Slice("Gender = Male", 11_000, 1500, 1501.2, 0.46, Interval(0.45, 0.47), 0.455,
          0.005, Interval(-0.02, 0.03)),
    Slice("Region_Code = 28", 5600, 1045, 1031.4, 0.3011, Interval(0.28, 0.32), 0.4512,
          -0.1499, Interval(-0.18, -0.12)),
)  # fmt: skip


def make_contender(name: str, folder: Path) -> Contender:
    weights, scores = (0.57, 4.07), {"validation_average_precision": 0.36, "validation_f1": 0.45}
    members = tuple(Member(k, *weights, 12_345 + k, 3, **scores) for k in range(5))
    version = ModelVersion(name, folder, HASH[::-1], members)
    return Contender(version, QUALITY, deciles=DECILES)


def make_card(folder: Path, *, champion: bool = True, **contest) -> ModelCard:
    night = OpenNight(
        Run(7, NAME, Night(dt.date(2026, 11, 24), HASH, "c" * 64)),
        (Path("exports/book_1.csv"), Path("exports/<b>|book.csv")),
        NightlyConfig(as_of=dt.date(2026, 11, 24), strategy="class_weight", seed=11),
        CONTRACT,
        Settings(data_dir=folder),
        create_engine("sqlite://"),
    )
    judged = Contest(
        make_contender(NAME, folder / NAME),
        (Baseline("everyone positive", 0.2198), Baseline("the rule", 0.3985)),
        make_contender("2026-11-23-old", folder / "old") if champion else None,
        champion_name="2026-11-23-old" if champion else None,
        slices=SLICES if champion else (),
    )
    judged = dataclasses.replace(judged, **contest)
    outcome = "kept_champion" if champion else "promoted"
    decision = Decision(outcome, "It collapses in the slice 'Region_Code = 28'.", judged.champion)
    history = (
        Promotion(TRAINED, "gate", dt.date(2026, 11, 24), "2026-11-23-old", NAME, outcome, "So."),
        Promotion(TRAINED - dt.timedelta(days=1), "ann <&>|", dt.date(2026, 11, 23), None,
                  "2026-11-23-old", "promoted", "Two\nlines."),
    )  # fmt: skip
    return ModelCard(night, judged, decision, history)


def read_tables(markdown: str) -> dict[str, list[str]]:
    """The cells of each row of all tables, by the first cell."""
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    cells = [[c.strip() for c in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
    return {row[0]: row[1:] for row in cells}


def test_the_markdown_says_the_numbers(tmp_path):
    markdown = render_markdown(make_card(tmp_path))
    tables = read_tables(markdown)
    metrics = ["0.4567", "0.4501 to 0.4633", "0.3412", "0.6901", "0.3678", "0.3601 to 0.3755",
               "0.8571", "0.0881", "0.0017"]  # fmt: skip
    assert tables[f"this version {NAME}"] == tables["champion 2026-11-23-old"] == metrics
    assert tables["the rule"][0] == "0.3985"
    assert tables["Region\\_Code = 28"] == [
        "5,600", "18.7\N{NO-BREAK SPACE}%", "1,031", "1,045", "0.3011", "0.2800 to 0.3200",
        "0.4512", "-0.1499 collapses", "-0.1800 to -0.1200",
    ]  # fmt: skip
    assert tables["4"] == ["12,349", "3", "0.570", "4.070", "cross entropy", "0.4500", "0.3600"]
    best = DECILES[0]
    assert read_tables(markdown.split("## Quality by slice")[0])["1"] == [
        f"{best.n_rows:,}", f"{best.expected_buyers:,.0f}", f"{best.interval:,.0f}",
        f"{best.actual_buyers:,}", "yes" if best.agrees else "no",
    ]  # fmt: skip
    assert tables["seed"] == ["11"]
    assert tables["strategy"] == ["class\\_weight"]


def test_the_markdown_says_what_it_learnt_from_and_when(tmp_path):
    markdown = render_markdown(make_card(tmp_path))
    assert "Trained and evaluated 2026-11-24 02:17 UTC for the night of 2026-11-24" in markdown
    n_positive = sum(d.actual_buyers for d in DECILES)
    assert f"20,000 respondents; {n_positive:,} of them" in markdown
    assert HASH in markdown
    assert HASH[::-1] in markdown
    assert "book\\_1.csv, \\<b\\>\\|book.csv" in markdown


def test_it_says_of_which_family_its_members_are_and_of_epochs_only_where_there_are_any(tmp_path):
    card = make_card(tmp_path)
    for text in (render_markdown(card), render_page(card)):
        assert "5 Keras networks; each" in text
    members = tuple(
        dataclasses.replace(m, family="logistic", n_epochs=None) for m in card.version.members
    )
    version = dataclasses.replace(card.version, members=members)
    card = make_card(tmp_path, candidate=dataclasses.replace(card.candidate, version=version))
    assert read_tables(render_markdown(card))["4"][:2] == ["12,349", "\N{EN DASH}"]
    for text in (render_markdown(card), render_page(card)):
        assert "5 logistic regressions; each" in text
        assert "None" not in text
        assert "Keras" not in text


def test_it_says_what_it_is_for_and_not_for(tmp_path):
    for text in (render_markdown(make_card(tmp_path)), render_page(make_card(tmp_path))):
        for word in ("Pricing", "underwriting", "cover", "single person", "Other countries",
                     "Uplift", "causal", "last year", "prevalence"):  # fmt: skip
            assert word in text, word


def test_the_worst_slice_comes_first_and_is_marked(tmp_path):
    markdown, page = render_markdown(make_card(tmp_path)), render_page(make_card(tmp_path))
    assert markdown.index("Region\\_Code = 28 |") < markdown.index("Gender = Male")
    assert markdown.count(" collapses |") == 1
    assert page.count('class="fallen"') == 1
    assert "97.50 %" in markdown, "two slices: 1 - 0.05 / 2"


@pytest.mark.parametrize(
    ("threshold", "says"),
    [
        (0.22957, "+0.0012, no more than chance explains"),
        (0.65037, "+0.4220, MORE than chance explains"),
    ],
)
def test_the_threshold_is_held_against_half_of_f1(tmp_path, threshold, says):
    card = make_card(tmp_path)
    quality = dataclasses.replace(QUALITY, thresholds=(threshold,) * 5)
    candidate = dataclasses.replace(card.candidate, evaluation=quality)
    changed = make_card(tmp_path, candidate=candidate)
    # 3 * 0.4567 / 2 / cube root of 0.12345 * 20,000
    assert f"{says} (up to 0.0507)" in render_page(changed)


def test_it_says_whether_scores_are_smoothed(tmp_path):
    card = make_card(tmp_path)
    assert "Probabilities are smoothed" not in render_markdown(card)
    version = card.candidate.version
    members = tuple(dataclasses.replace(m, n_source_rows=12_345) for m in version.members)
    smoothed = dataclasses.replace(version, members=members)
    changed = make_card(tmp_path, candidate=dataclasses.replace(card.candidate, version=smoothed))
    assert "Probabilities are smoothed: shrunk slightly towards" in render_markdown(changed)


def test_it_says_whether_scores_are_recalibrated(tmp_path):
    card = make_card(tmp_path)
    assert "Probabilities are not recalibrated" in render_markdown(card)
    bent = Recalibration((((0.0,), (0.1,)),) * 5)
    changed = make_card(tmp_path, candidate=dataclasses.replace(card.candidate, recalibration=bent))
    assert "Probabilities are recalibrated" in render_markdown(changed)


def test_history_and_names_cannot_break_the_tables(tmp_path):
    markdown, page = render_markdown(make_card(tmp_path)), render_page(make_card(tmp_path))
    assert "| ann \\<&\\>\\| | Two lines. |" in markdown
    assert "<td>ann &lt;&amp;&gt;|</td>" in page
    assert "&lt;b&gt;|book.csv" in page
    assert "<b>|" not in page
    assert markdown.index("| So. |") < markdown.index("| Two lines. |")


def test_a_first_version_has_no_champion_and_a_small_book_no_slices(tmp_path):
    card = make_card(tmp_path, champion=False)
    markdown, page = render_markdown(card), render_page(card)
    for text in (markdown, page):
        assert "No comparison with a champion: there is no champion yet." in text
        assert "No slice of the book is large enough" in text
        assert "Promoted" in text
    alone = tuple(
        dataclasses.replace(s, champion_f1=None, gain=None, gain_interval=None) for s in SLICES
    )
    first = make_card(tmp_path, champion=False, slices=alone)
    row = read_tables(render_markdown(first))["Gender = Male"]
    assert row == ["11,000", "13.6\N{NO-BREAK SPACE}%", "1,501", "1,500", "0.4600",
                   "0.4500 to 0.4700"]  # fmt: skip
    for text in (render_page(first), render_markdown(first)):
        assert "champion's F1" not in text


def test_it_is_written_beside_the_members(tmp_path):
    card = make_card(tmp_path)
    path = write_card(card)
    assert path == find_card(tmp_path / NAME)
    assert path.read_text(encoding="utf-8") == render_markdown(card)
    assert (path.parent / "card.html").read_text(encoding="utf-8") == render_page(card)
    assert "data:" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_asks_for_nothing(tmp_path, chromium, scheme):
    page_path = write_card(make_card(tmp_path)).with_suffix(".html")
    page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.goto(page_path.as_uri())
    assert asked == [page_path.as_uri()]
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("h1").inner_text() == "Not promoted: the champion 2026-11-23-old stays"
    svg = page.locator("svg")
    assert svg.count() == 1
    assert svg.bounding_box()["width"] > 250
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(x) for x in re.findall(r"\d+", paper)) > 380) is (scheme == "light")
    page.close()
