"""The page of a night, opened as a reader would: in a browser, on a phone and on a desk."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from propensity.reporting.night import draw_night, render_page
from propensity.reporting.rendering import write_text

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
# what a reader has to get from the screen without scrolling
FIRST_SCREEN = [".verdict h1", ".tile:nth-child(1) b", ".tile:nth-child(2) b"]
OVERFLOWING = """() => [...document.querySelectorAll("main *")].filter(e => {
    const box = e.getBoundingClientRect();
    return box.right > innerWidth + 0.5 && !e.closest(".wide") && !e.closest("svg");
}).map(e => e.outerHTML.slice(0, 80))"""
SMALL_TEXT = """() => [...document.querySelectorAll("svg text")].filter(
    e => e.getBoundingClientRect().height < 11).map(e => e.textContent)"""
CUT_OFF = """() => [...document.querySelectorAll("svg text")].filter(e => {
    const text = e.getBoundingClientRect(), picture = e.closest("svg").getBoundingClientRect();
    return text.left < picture.left - 1 || text.right > picture.right + 1
        || text.top < picture.top - 1 || text.bottom > picture.bottom + 1;
}).map(e => e.textContent)"""
OVERLAPPING = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
    const boxes = [...svg.querySelectorAll("text")].map(
        e => [e.textContent, e.getBoundingClientRect()]);
    return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) =>
        p.left < q.right - 1 && q.left < p.right - 1
        && p.top < q.bottom - 3 && q.top < p.bottom - 3).map(([b, _]) => `${a} / ${b}`));
})"""
CONTRAST = """() => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(v => v / 255).map(
            v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const card = light(getComputedStyle(document.querySelector(".card")).backgroundColor);
    return ["h2", "figcaption", ".muted", "svg text"].map(name => {
        const style = getComputedStyle(document.querySelector(name));
        const text = light(name == "svg text" ? style.fill : style.color);
        return (Math.max(text, card) + 0.05) / (Math.min(text, card) + 0.05);
    });
}"""


@dataclass
class Opened:
    """A page in the browser, and what it asked for and said."""

    page: object
    size: str
    path: Path
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def path(report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = render_page(report, draw_night(report))
    return write_text(page, tmp_path_factory.mktemp("page") / "night.html")


@pytest.fixture(
    scope="module",
    params=[(size, theme) for size in SIZES for theme in ("light", "dark")],
    ids="-".join,
)
def opened(chromium, path: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    size, theme = request.param
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    context = chromium.new_context(viewport=viewport, color_scheme=theme)
    page = context.new_page()
    opened = Opened(page, size, path)
    page.on("request", lambda r: opened.requests.append(r.url))
    page.on("console", lambda m: opened.console.append(m.text))
    page.on("pageerror", lambda e: opened.console.append(str(e)))
    page.route(re.compile("^(?!file:)"), lambda route: route.abort())
    page.goto(path.as_uri())
    yield opened
    context.close()


def test_it_asks_for_nothing_and_complains_about_nothing(opened):
    assert opened.requests == [opened.path.as_uri()]
    assert opened.console == []


def test_it_does_not_scroll_sideways(opened):
    found = opened.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert found[0] <= found[1] == SIZES[opened.size][0]
    assert opened.page.evaluate(OVERFLOWING) == []


def test_every_picture_is_seen(opened, report):
    pictures = opened.page.locator(".picture svg").all()
    assert len(pictures) == len(draw_night(report))
    for picture in pictures:
        picture.scroll_into_view_if_needed()
        assert picture.is_visible()
        box = picture.bounding_box()
        assert box["width"] > 250
        assert box["height"] > 70


def test_text_in_pictures_is_legible(opened):
    assert opened.page.evaluate(SMALL_TEXT) == []
    assert opened.page.evaluate(CUT_OFF) == []
    assert opened.page.evaluate(OVERLAPPING) == []


def test_words_stand_out_from_the_paper(opened):
    # WCAG 2.2, success criterion 1.4.3
    assert min(opened.page.evaluate(CONTRAST)) >= 4.5


def test_every_picture_is_described(opened):
    pictures = opened.page.get_by_role("img").all()
    assert len(pictures) == opened.page.locator("svg").count()
    for picture in pictures:
        assert len(picture.get_attribute("aria-label")) > 15


def test_the_first_screen_tells_the_outcome(opened, report):
    height = SIZES[opened.size][1]
    opened.page.evaluate("scrollTo(0, 0)")
    for selector in FIRST_SCREEN:
        box = opened.page.locator(selector).bounding_box()
        assert 0 <= box["y"] < box["y"] + box["height"] < height
    words = [opened.page.locator(selector).inner_text() for selector in FIRST_SCREEN]
    assert "Champion kept" in words[0]
    assert words[1:] == [f"{report.serving.evaluation.f1:.4f}", f"{report.scores.n_rows:,}"]


def test_it_holds_tonights_numbers(opened, report):
    text = unicodedata.normalize("NFKC", opened.page.inner_text("main"))
    gain, quality = report.gains[9], report.serving.evaluation
    for number in (
        f"{quality.f1_interval:.4f}", f"{gain.expected_buyers:,.0f}", "5 of 12,000 rows",
        f"{100 * report.book.balance.prevalence:.2f} %", report.decision.reason,
    ):  # fmt: skip
        assert number in text


def test_tables_unfold(opened):
    opened.page.locator("#segments summary").click()
    assert (
        opened.page.get_by_role("cell", name="Vehicle_Damage: Yes")
        .or_(opened.page.get_by_text("Vehicle_Damage: Yes"))
        .last.is_visible()
    )
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_prints_on_paper(chromium, path, tmp_path):
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 35, 43)"
    page.close()
