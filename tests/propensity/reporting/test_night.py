"""The page of a night and its Markdown: numbers exact, rendering loose."""

import base64
import dataclasses
import datetime as dt
import io
import json
import re
import unicodedata

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from propensity.comparison.records import find_comparison
from propensity.metrics.catalog import AVERAGE_PRECISION
from propensity.monitoring.curves import CurvePoint
from propensity.monitoring.drift import ColumnDrift
from propensity.reporting.night import draw_night, render_markdown, render_page
from propensity.runtime.night_facts import NightFacts
from propensity.storage.workspace import Workspace

from ..conftest import change_quality
from .conftest import ARMS, N_CALLS, N_ROWS, compare

PARTS = ["contest", "curve", "reliability", "gains", "scores", "balance", "drift", "comparison"]


def render(report: NightFacts, pictures: dict[str, Figure]) -> tuple[str, str]:
    return render_page(report, pictures), render_markdown(report, pictures)


def read(text: str) -> str:
    """Text as a reader sees it."""
    without_tags = re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", without_tags).replace("\\", ""))


@pytest.fixture(scope="session")
def pictures(report: NightFacts) -> dict[str, Figure]:
    return draw_night(report)


@pytest.fixture(scope="session")
def forms(report: NightFacts, pictures: dict[str, Figure]) -> dict[str, str]:
    return dict(zip(("page", "markdown"), render(report, pictures), strict=True))


def test_facts_are_those_of_the_parts(report):
    quality, called = report.serving.evaluation, report.called
    assert (called.precision, called.recall) == tuple(
        quality.metrics[name] for name in ("precision", "recall")
    )
    n_either = called.n_called + called.n_positive
    assert 2 * called.n_found / n_either == pytest.approx(quality.f1, abs=1e-12)
    assert report.gains[-1].n_policyholders == report.scores.n_leads
    assert report.calls.n_policyholders == N_CALLS
    assert report.book.book.n_rows == N_ROWS - 5 == report.scores.n_rows
    assert sum(b.n_rows for b in report.reliability) == quality.n_labelled
    assert report.score_shares.sum() == pytest.approx(1)
    for found in report.segments:
        assert sum(s.n_rows for s in found.segments) == report.scores.n_rows
        assert sum(s.n_positive for s in found.segments) == report.book.balance.n_positive
    average = sum(p.precision for p in report.curve) / len(report.curve)
    assert average == pytest.approx(quality[AVERAGE_PRECISION], abs=0.01)


def test_true_probabilities_are_reliable_and_another_seed_is_no_drift(report):
    assert report.n_agreeing >= 17
    assert report.since_last_night
    assert not report.shifted
    assert not report.differing


def test_the_extremes_are_of_segments_with_enough_answers(report):
    low, high = report.extremes
    assert (low[1], low[2].name) == ("Previously_Insured", "1")
    assert low[0] < report.book.balance.prevalence < high[0]
    assert min(low[2].n_labelled, high[2].n_labelled) >= report.book.balance.n_labelled / 100


def test_the_night_keeps_its_counts_for_the_next(report, make_report):
    assert report.last_night is not None
    assert report.last_score_shares is not None
    assert report.last_score_shares.sum() == pytest.approx(1)
    assert {d.column for d in report.since_last_night} >= {"probability", "Age", "Region_Code"}


@pytest.mark.parametrize("form", ["page", "markdown"])
def test_tonights_numbers_are_in_both(report, forms, form):
    quality, balance, gain = report.serving.evaluation, report.book.balance, report.gains[9]
    text = read(forms[form])
    for number in (
        f"{quality.f1:.4f}", f"{quality.f1_interval:.4f}", f"{100 * balance.prevalence:.1f} %",
        f"{balance.no_skill_f1:.4f}", f"{N_ROWS - 5:,}", f"{gain.expected_buyers:,.0f}",
        f"{gain.expected_low:,.0f} to {gain.expected_high:,.0f}", f"{gain.n_policyholders:,}",
        f"{100 * report.called.precision:.1f} %", f"{100 * report.called.recall:.1f} %",
        f"{quality.intervals[AVERAGE_PRECISION.name]:.4f}", f"In {report.n_agreeing} of 20",
        f"{balance.n_positive:,} of the {balance.n_labelled:,}", "2026-11-02", "2026-11-01",
        f"5 of {N_ROWS:,} rows (0.042 %)", "one of 'Female', 'Male'", report.decision.reason,
        "No arm is clearly better.", "2026-10-31",
    ):  # fmt: skip
        assert number in text.replace("&#39;", "'"), number


@pytest.mark.parametrize("form", ["page", "markdown"])
def test_the_comparison_is_shown_arm_by_arm(forms, form):
    text = read(forms[form])
    for arm in (*ARMS, "none", "everyone positive"):
        assert arm.replace("_", " ") in text
    assert re.search(
        r"soft f1 \W*0\.4400 \W*0\.4300 to 0\.4500\W+-0\.0040 \W*-0\.0040 to \+0\.0020", text
    )


def test_every_part_has_its_picture_in_both(report, pictures, forms):
    segments = [f"segments-{c.name}" for c in report.book.contract.features]
    assert set(pictures) == {*PARTS, *segments}
    assert forms["page"].count("<svg") == len(pictures)
    images = re.findall(r"!\[[^\]]+\]\(data:image/png;base64,([\w+/=]+)\)", forms["markdown"])
    assert len(images) == len(pictures)
    for image in images:
        assert Image.open(io.BytesIO(base64.b64decode(image))).size[0] == 480


def test_text_in_pictures_is_text_and_colours_are_the_pages(forms):
    for text in ("thresholds", "since last night", "class weight", "0: said no"):
        assert re.search(f"<text [^>]*>{text}</text>", forms["page"]), text
    assert "fill: var(--loud, #d9772b)" in forms["page"]
    for variable in set(re.findall(r"var\((--\w+)", forms["page"])):
        assert forms["page"].count(f"{variable}:") == 2, f"{variable} for light and dark"


def test_ids_do_not_meet(forms):
    ids = re.findall(r"\sid=\"([^\"]+)\"", forms["page"])
    assert len(ids) == len(set(ids))


def test_the_artifact_is_small_enough(pictures, forms):
    # the worst case: every part, two nights, a comparison
    assert set(PARTS) <= set(pictures)
    assert len(forms["markdown"].encode()) < 200_000


def test_the_first_night_says_that_it_is(first_report):
    assert first_report.last_night is None
    assert first_report.since_last_night == ()
    drawn = draw_night(first_report)
    page, markdown = render(first_report, drawn)
    for text in (read(page), read(markdown)):
        assert "This is the first night" in text
        assert "Promoted" in text
        assert f"All {N_ROWS:,} rows meet the contract." in text
        assert "strategies" not in text
    assert page.count("<svg") == len(drawn)


def test_a_last_night_without_counts_is_said(report, pictures):
    lost = dataclasses.replace(report, since_last_night=(), last_score_shares=None)
    assert "are missing: there is nothing to compare with" in read(render_page(lost, pictures))


def test_scores_of_another_model_are_not_compared_and_that_is_said(report, make_report, pictures):
    assert report.model_before is None
    assert "probability" in {d.column for d in report.since_last_night}
    changed = make_report(last_version="v0")
    assert [d.column for d in changed.since_last_night] == [
        d.column for d in report.since_last_night if d.column != "probability"
    ]
    said = "A different model, v0, scored that night, so the probabilities of the two nights are"
    text = read(render_page(changed, pictures))
    assert text.count(said) == 2  # beside the scores and beside what moved
    assert said not in read(render_page(report, pictures))


def test_what_moved_is_worth_a_look(report, pictures):
    moved = (ColumnDrift("Region_Code", 0.312, 0, 0), *report.since_last_night)
    unseen = (ColumnDrift("Policy_Sales_Channel", 0.01, 2, 1234), *report.not_answered)
    changed = dataclasses.replace(report, since_last_night=moved, not_answered=unseen)
    text = read(render_page(changed, pictures))
    assert "Region_Code has shifted since 2026-11-01 (PSI 0.31, large)" in text
    assert "2 values found only among unlabelled policyholders (1,234 of them)" in text


def test_unreliable_probabilities_are_worth_a_look(report, pictures):
    wrong = tuple(dataclasses.replace(b, mean_probability=0.9) for b in report.reliability)
    quality = change_quality(report.serving.evaluation, calibration_error=0.0123)
    off = dataclasses.replace(
        report, reliability=wrong, serving=dataclasses.replace(report.serving, evaluation=quality)
    )
    text = read(render_page(off, pictures))
    assert "only 0 of 20 groups agree with the responses; the calibration error is 0.0123" in text


def test_a_tiny_gap_is_not_worth_a_look_however_sure(report, pictures):
    wrong = tuple(dataclasses.replace(b, mean_probability=0.9) for b in report.reliability)
    quality = change_quality(report.serving.evaluation, calibration_error=0.0012)
    sure = dataclasses.replace(
        report, reliability=wrong, serving=dataclasses.replace(report.serving, evaluation=quality)
    )
    assert not sure.is_miscalibrated
    assert "Nothing has shifted notably" in read(render_page(sure, pictures))


def test_a_few_unseen_values_are_said_and_many_are_worth_a_look(report):
    n = report.book.n_unlabelled
    few, many = (ColumnDrift("Channel", 0.0, 1, rows) for rows in (n // 200, n // 50))
    assert dataclasses.replace(report, not_answered=(few,)).unseen == ()
    assert dataclasses.replace(report, not_answered=(many,)).unseen == (many,)


def test_odd_nights_are_drawn(report):
    """Nobody to call, one probability for all, nothing known of a segment."""
    bare = dataclasses.replace(
        report, gains=[], curve=(CurvePoint(0.1, 0.12, 1.0),), not_answered=(),
        since_last_night=(), score_shares=np.eye(50)[0], last_score_shares=None, comparison=None,
    )  # fmt: skip
    drawn = draw_night(bare)
    page, markdown = render(bare, drawn)
    assert set(PARTS) - set(drawn) == {"gains", "drift", "comparison"}
    for text in (read(page), read(markdown)):
        assert "are missing: there is nothing to compare with" in text
        assert "expected buyers" not in text.lower()


def test_hostile_text_is_text(report, pictures):
    rule = report.rejections[0]
    hostile = dataclasses.replace(rule, column="a|b", expected="<img src=x>", found="<b>Mole|")
    decision = dataclasses.replace(report.decision, reason="<script>alert(1)</script> | *x* [y](z)")
    changed = dataclasses.replace(report, rejections=(hostile,), decision=decision)
    page, markdown = render(changed, pictures)
    assert "<script" not in page
    assert "<img" not in page
    assert "<i>" not in page, "a baseline's description"
    assert "&lt;b&gt;Mole|" in page
    assert r"\<script\>alert(1)\</script\> \| \*x\* \[y\](z)" in markdown
    assert r"| a\|b | \<img src=x\> |" in markdown


def replace_comparison(workspace, first, second):
    (path,) = workspace.comparisons.glob("*/comparison.parquet")
    path.unlink()
    path.mkdir()


def replace_last_counts(workspace, first, second):
    counts = json.loads(workspace.profile(first).read_text())
    shortened = [counts[-1] | {"n": [[1, 2]]}] * len(counts)
    workspace.profile(first).write_text(json.dumps(shortened))


def obstruct_counts(workspace, first, second):
    workspace.profile(second).mkdir(parents=True)


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        (replace_comparison, "comparison"),
        (replace_last_counts, "since_last_night"),
        (obstruct_counts, None),
    ],
)
def test_files_that_only_pages_need_do_not_stop_a_night(make_report, damage, lost):
    whole, damaged = make_report(), make_report(damage=damage)
    assert damaged.fingerprint == whole.fingerprint
    assert damaged.gains == whole.gains
    for name in ("comparison", "since_last_night"):
        assert bool(getattr(whole, name))
        assert bool(getattr(damaged, name)) == (name != lost)


def test_the_same_facts_give_the_same_bytes(report, forms):
    assert render(report, draw_night(report)) == (forms["page"], forms["markdown"])


def test_the_newest_comparison_that_can_be_read_is_shown(tmp_path):
    workspace = Workspace(tmp_path)
    assert find_comparison(workspace.comparisons) is None
    found = compare(workspace)
    newest = dataclasses.replace(found, conclusion="Newer.", as_of=dt.date(2026, 11, 7))
    newest.save(workspace.comparisons / "2026-11-07")
    later = workspace.comparisons / "2026-11-14"
    later.mkdir()
    (later / "comparison.parquet").write_text("damaged")
    assert find_comparison(workspace.comparisons) == newest
