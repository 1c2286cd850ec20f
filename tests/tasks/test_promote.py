from sqlalchemy import select

from propensity.warehouse.promotions import find_champion
from propensity.warehouse.schema.tables import promotions


def test_promotes_the_first_that_beats_the_baselines(night, contest, decision):
    assert decision.outcome == "promoted"
    assert decision.serving == contest.candidate
    assert find_champion(night.warehouse) == night.version_name


def test_stores_the_reason(night, decision):
    with night.warehouse.connect() as connection:
        stored = connection.execute(select(promotions.c.reason)).scalar_one()
    assert stored == decision.reason


def test_writes_a_card_beside_the_members(night, contest, decision):
    folder = night.workspace.model(night.version_name)
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert f"{contest.candidate.evaluation.f1:.4f}" in card
    assert "Promoted: this version scores the book" in card
    assert "book.csv" in card
    assert card.count("| promoted | gate |") == 1
    page = (folder / "card.html").read_text(encoding="utf-8")
    assert f"{contest.candidate.evaluation.f1:.4f}" in page
