"""The page of a comparison, and its Markdown."""

import datetime as dt
import re
from pathlib import Path

import pytest

from propensity.comparison.records import ComparedArm, Comparison
from propensity.reporting.comparison import render_markdown, write_page

NONE = ComparedArm(
    "none", 0.4567, 0.45, 0.46,
    {"precision": 0.35, "recall": 0.65, "average_precision": 0.367, "roc_auc": 0.857,
     "brier_before": 0.088, "brier": 0.0879, "calibration_error_before": 0.0031,
     "calibration_error": 0.0021},
    0.0123, 61.0, 1_293_576,
)  # fmt: skip
WEIGHTED = ComparedArm(
    "class_weight", 0.4577, 0.451, 0.461,
    {"precision": 0.36, "recall": 0.64, "average_precision": 0.366, "roc_auc": 0.8567,
     "brier_before": 0.17, "brier": 0.0879, "calibration_error_before": 0.25,
     "calibration_error": 0.0023},
    0.43, 63.0, 1_293_576, 0.001, -0.0004, 0.0024,
)  # fmt: skip
RULE = ComparedArm("rule <b>", 0.3985, 0.395, 0.401, {"precision": 0.25, "recall": 0.98},
                   difference=-0.0582, difference_low=-0.061, difference_high=-0.056)  # fmt: skip
SAID = "By F1 at thresholds chosen on other folds: class_weight not clearly different from none."
COMPARISON = Comparison(dt.date(2026, 11, 24), 323_394, 0.1226, (NONE, WEIGHTED, RULE), SAID)


def test_markdown_says_what_the_intervals_say_and_fits_an_artifact() -> None:
    text = render_markdown(COMPARISON)
    assert len(text.encode()) < 200_000
    assert SAID in text.replace("\\", "")
    for number in ("0.4567", "0.0123", "+0.0010", "-0.0004 to +0.0024", "1,293,576", "12.26"):
        assert number in text


FIGURES = {
    "arm": "class weight", "F1 95 %": "0.4577 0.4510 to 0.4610",
    "minus none paired 95 %": "+0.0010 -0.0004 to +0.0024", "F1 at 0.5": "0.4300",
    "precision": "0.3600", "recall": "0.6400", "average precision": "0.3660", "ROC AUC": "0.8567",
    "Brier before": "0.0879 0.1700", "calibration error before": "0.0023 0.2500",
    "training rows": "1,293,576", "fit, s": "63",
}  # fmt: skip
"""Of WEIGHTED, each under its heading; no two are alike."""


def pair(headings: list[str], cells: list[str]) -> dict[str, str]:
    """Put each cell beside its heading, both without brackets and quotes."""
    plain = [" ".join(re.sub(r"[^\w\s.,%+-]", "", t).split()) for t in headings + cells]
    return dict(zip(plain[: len(headings)], plain[len(headings) :], strict=True))


def test_every_figure_stands_under_its_heading() -> None:
    lines = [x for x in render_markdown(COMPARISON).splitlines() if x.startswith("|")]
    headings, _, _, weighted, _ = (line.split("|")[1:-1] for line in lines)
    assert pair(headings, weighted) == FIGURES


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_opens_without_a_network_at_any_width(chromium, tmp_path: Path, width) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 844})
    asked, said = [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: said.append(m.text))
    path = write_page(COMPARISON, tmp_path)
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".picture svg").bounding_box()["height"] > 60
    headings, weighted = (page.locator(".numbers tr").nth(i).locator("th, td") for i in (0, 2))
    assert pair(headings.all_inner_texts(), weighted.all_inner_texts()) == FIGURES
    assert "rule <b>" in page.inner_text("body")
    page.close()
