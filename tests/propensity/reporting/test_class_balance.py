"""The class balance report: numbers exact, rendering loose."""

import dataclasses
import datetime as dt
import re
from pathlib import Path

import pytest

from propensity.errors import InputError
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract, load_contract
from propensity.reporting.class_balance import render_markdown, write_page
from propensity.runtime.book_facts import BookFacts, describe_book

BOOK = CuratedBook((), Path("rejected.csv"), 508_146, 127, 382_154, 62_601)
CONTRACT = load_contract()
AS_OF = dt.date(2026, 1, 2)


def describe(contract: Contract = CONTRACT, book: CuratedBook = BOOK) -> BookFacts:
    return describe_book(book, contract, "2026-01-02-a", AS_OF)


def name_response(text: str) -> Contract:
    *others, response = CONTRACT.columns
    hostile = dataclasses.replace(response, name=text, meaning=text, unit=text)
    return dataclasses.replace(CONTRACT, columns=(*others, hostile))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_page(describe(), tmp_path_factory.mktemp("reports")).read_text(encoding="utf-8")


def test_facts_are_exact() -> None:
    report = describe()
    assert report.n_unlabelled == 508_146 - 382_154
    assert report.rejected_share == 127 / (508_146 + 127)
    assert (report.balance.n_negative, report.balance.n_positive) == (319_553, 62_601)


def test_a_book_without_enough_responses_is_refused() -> None:
    with pytest.raises(InputError):
        describe(book=dataclasses.replace(BOOK, n_positive=3))


@pytest.mark.parametrize(
    "number",
    [
        "508,146", "382,154", "62,601", "319,553", "16.38%", "5.10", "0.2815", "83.62%", "125,992",
        "127 (0.025%)", "2026-01-02",
    ],
)  # fmt: skip
def test_the_numbers_are_in_both(number: str, page: str) -> None:
    words = page[: page.index("<svg")]
    assert number in words
    assert number in render_markdown(describe())


def test_the_histogram_carries_both_counts(page: str) -> None:
    svg = page[page.index("<svg") : page.index("</svg>")]
    for text in ("319,553", "62,601", "0: said no", "1: said yes", "Response"):
        assert f">{text}</text>" in svg
    assert "data:image/png;base64,iVBOR" in render_markdown(describe())


def test_every_column_is_explained(page: str) -> None:
    for column in CONTRACT.columns:
        assert f"<td>{column.name}</td>" in page


def test_markdown_fits_an_artifact() -> None:
    assert len(render_markdown(describe()).encode()) < 200_000


def test_the_page_fetches_nothing(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert not re.search(r"""(src|href|action|data)\s*=\s*["']?(https?:)?//""", page)
    assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", page)
    assert "<script" not in page
    assert "<link" not in page


def test_the_same_facts_give_the_same_bytes(tmp_path: Path) -> None:
    once, again = (write_page(describe(), tmp_path / name).read_bytes() for name in ("a", "b"))
    assert once == again
    assert render_markdown(describe()) == render_markdown(describe())


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", 'a"&b', r"$\nope$"])
def test_text_of_the_contract_is_text(text: str, tmp_path: Path) -> None:
    page = write_page(describe(name_response(text)), tmp_path).read_text(encoding="utf-8")
    assert "<script" not in page
    assert 'a"&b' not in page
    assert render_markdown(describe(name_response(text)))
