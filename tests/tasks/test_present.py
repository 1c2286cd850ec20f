import re

import pytest
from prefect.artifacts import Artifact

from tasks.present import present, present_again
from tasks.publish import publish


@pytest.fixture(scope="module")
def published(night, book, scores, facts):
    publish(night, facts)
    return facts


def test_shows_the_night_in_the_ui_and_as_a_page(night, book, contest, published):
    page = present(night, published)
    shown = Artifact.get("night")
    assert (shown.type, shown.description) == ("markdown", f"Page: {page}")
    assert page == night.workspace.night_page(night.run.run_name)
    quality = contest.candidate.evaluation
    for text in (shown.data, page.read_text(encoding="utf-8")):
        assert f"{quality.f1:.4f}" in text
        assert f"{book.n_rows:,}" in text
        assert "This is the first night" in text
        assert "1 of 20,000 rows" in text
    assert 50_000 < len(shown.data.encode()) < 200_000


def test_shows_the_decision_card(night, book, contest, published):
    present(night, published)
    decision, scores = published.decision, published.scores
    shown = Artifact.get("decision")
    assert decision.reason.split(" (")[0] in shown.data
    assert f"| leads | {scores.n_leads:,} |" in shown.data
    assert shown.description == f"Model card: {contest.candidate.version.folder / 'card.md'}"


def test_the_card_of_a_published_night_can_be_shown_again(night, book, contest, published, caplog):
    present(night, published)
    shown = Artifact.get("decision")
    path = night.workspace.decision_card(night.run.run_name)
    assert path.read_text(encoding="utf-8") == shown.data
    present_again(night)
    again = Artifact.get("decision")
    assert (again.id != shown.id, again.data) == (True, shown.data)
    path.unlink()
    present_again(night)
    assert Artifact.get("decision").id == again.id
    assert "ended before its card was drawn" in caplog.text


def test_the_card_links_to_the_pictures_and_the_model_card(night, book, contest, published):
    present(night, published)
    linked = re.findall(r"\]\(/artifacts/artifact/([0-9a-f-]{36})\)", Artifact.get("decision").data)
    assert linked == [str(Artifact.get(key).id) for key in ("night", "model-card")]
    assert contest.candidate.version.name in Artifact.get("model-card").data


def test_the_card_is_there_where_a_picture_cannot_be_drawn(
    night, book, contest, published, monkeypatch
):
    def fail(_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("tasks.present.draw_night", fail)
    before = Artifact.get("decision").id
    with pytest.raises(RuntimeError, match="no ink"):
        present(night, published)
    assert Artifact.get("decision").id != before
    assert "the night in pictures: artifact `night`" in Artifact.get("decision").data


def test_expects_as_many_buyers_as_marketing_is_told(night, book, contest, published):
    from sqlalchemy import text

    with night.warehouse.connect() as connection:
        query = text("SELECT expected_buyers, n_policyholders FROM lead_gains WHERE percent = 10")
        expected, n_calls = connection.execute(query).one()
    page = present(night, published).read_text(encoding="utf-8")
    assert f"{n_calls:,} calls, should bring {expected:,.0f} buyers" in page.replace(
        "\N{NO-BREAK SPACE}", " "
    )
