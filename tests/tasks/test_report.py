from prefect.artifacts import Artifact

from tasks.report import report


def test_shows_the_class_balance_in_the_ui_and_as_a_page(night, book):
    page = report(night, book)
    shown = Artifact.get("class-balance")
    prevalence = f"{book.n_positive / book.n_labelled:.2%}"
    assert shown.type == "markdown"
    for text in (shown.data, page.read_text(encoding="utf-8")):
        assert prevalence in text
        assert f"{book.n_positive:,}" in text
    assert len(shown.data) < 200_000
