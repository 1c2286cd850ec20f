import dataclasses

from prefect.artifacts import Artifact
from sqlalchemy import select

from propensity.evaluation import Baseline
from propensity.night import reach_warehouse
from propensity.warehouse.models import find_champion
from propensity.warehouse.tables import promotions
from tasks.promote import promote


def test_promotes_the_first_that_beats_the_baselines(night, contest, decision):
    assert decision.outcome == "promoted"
    assert decision.serving == contest.candidate
    assert find_champion(reach_warehouse()) == night.version_name


def test_stores_the_reason(decision):
    with reach_warehouse().connect() as connection:
        stored = connection.execute(select(promotions.c.reason)).scalar_one()
    assert stored == decision.reason


def test_writes_a_card_beside_the_members(night, contest, decision):
    folder = night.workspace.model(night.version_name)
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert f"{contest.candidate.evaluation.f1:.4f}" in card
    assert "Promoted: it scores the book" in card
    assert "book.csv" in card
    assert card.count("| promoted | gate |") == 1
    page = (folder / "card.html").read_text(encoding="utf-8")
    assert f"{contest.candidate.evaluation.f1:.4f}" in page


def test_a_night_that_no_model_may_score_has_its_card_at_once(night, contest, decision):
    hopeless = Baseline("ask an oracle", 0.99)
    refused = promote(night, dataclasses.replace(contest, baselines=(hopeless,)))
    assert refused.serving is None
    shown = Artifact.get("decision")
    assert shown.data.startswith("# Not promoted, and there is no champion: nothing is published")
    assert "| ask an oracle | 0.9900 |" in shown.data
    assert shown.description == f"Model card: {contest.candidate.version.folder / 'card.md'}"
