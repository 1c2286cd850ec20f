"""What was wrong with rejected rows."""

import pytest

from propensity.ingest.book import CuratedBook
from propensity.ingest.curation import ingest_files
from propensity.ingest.rejections import MAX_FOUND, Rejection, sum_up_rejected


@pytest.fixture
def ingest(contract, book_csv, tmp_path):
    def ingest(*rows: str) -> CuratedBook:
        csv = book_csv(*rows)
        return ingest_files([csv], contract, tmp_path, tolerated_rejected_share=0.99)

    return ingest


def test_rejections_are_summed_up_by_column_and_rule(ingest, line):
    book = ingest(
        line(1), line(2, Gender="Mole"), line(3, Age="7"), line(4, Gender="x"), line(1), line(5)
    )
    found = sum_up_rejected(book)
    genders = Rejection("Gender", "one of 'Female', 'Male'", 2, "book.csv", 3, "Mole")
    assert found[0] == genders
    assert {(r.column, r.n_cells, r.line, r.found) for r in found[1:]} == {
        ("Age", 1, 4, "7"), ("id", 1, 6, "1"),
    }  # fmt: skip


def test_no_rejected_row_no_rejection(ingest, line):
    assert sum_up_rejected(ingest(line(1))) == ()


def test_hostile_cells_are_kept_as_text_and_cut(ingest, line):
    quoted = '"a ""q"" | <b>"'
    found = sum_up_rejected(
        ingest(line(1), line(2, Gender="NA"), line(3, Gender=quoted), line(4, Age="9" * 99))
    )
    genders, ages = found
    assert (genders.n_cells, genders.found) == (2, "NA")
    assert ages.found == "9" * MAX_FOUND


def test_a_row_that_could_not_be_split_has_no_column(ingest, line):
    torn = sum_up_rejected(ingest(line(1), line(2) + ",more"))[0]
    assert (torn.column, torn.expected, torn.found) == ("", "12 fields", "13 fields")
