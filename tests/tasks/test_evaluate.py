import json

from prefect.artifacts import Artifact

from propensity.registry import load_version


def test_judges_the_candidate_beside_the_baselines(book, contest):
    quality = contest.candidate.evaluation
    assert quality.n_labelled == book.n_labelled
    assert 0.75 < quality.roc_auc < 0.88
    assert quality.f1_interval.low < quality.f1 < quality.f1_interval.high
    assert contest.baselines[0].description == "everyone positive"
    assert contest.champion is None


def test_shows_the_comparison(contest):
    rows = json.loads(Artifact.get("evaluation").data)
    assert [r["who"].split()[0] for r in rows] == ["candidate", "everyone", "not"]
    assert rows[0]["F1"] == round(contest.candidate.evaluation.f1, 4)


def test_seals_the_version(night, contest, members):
    version = load_version(night.workspace.model(night.version_name))
    assert version == contest.candidate.version
    assert version.members == tuple(members)
