import dataclasses
import json

from prefect.artifacts import Artifact

from propensity.model.store import load_version
from tasks.evaluate import evaluate


def test_judges_the_candidate_beside_the_baselines(book, contest):
    quality = contest.candidate.evaluation
    assert quality.n_labelled == book.n_labelled
    assert 0.75 < quality.metrics["roc_auc"] < 0.88
    assert quality.f1_interval.low < quality.f1 < quality.f1_interval.high
    assert contest.baselines[0].description == "everyone positive"
    assert contest.champion is None


def test_shows_the_comparison(contest):
    rows = json.loads(Artifact.get("evaluation").data)
    assert [r["who"].split()[0] for r in rows] == ["candidate", "everyone", "not"]
    assert rows[0]["F1"] == round(contest.candidate.evaluation.f1, 4)


def test_shows_every_slice(contest):
    rows = json.loads(Artifact.get("slices").data)
    assert [r["slice"] for r in rows] == [s.name for s in contest.slices]
    assert {"Gender = Male", "Vehicle_Damage = Yes"} <= {r["slice"] for r in rows}
    assert rows[0]["F1"] == round(contest.slices[0].f1, 4)


def test_deciles_are_of_all_labelled(book, contest):
    deciles = contest.candidate.deciles
    assert sum(d.n_rows for d in deciles) == book.n_labelled
    assert sum(d.actual_buyers for d in deciles) == book.n_positive


def test_warns_when_the_threshold_is_far_from_half_of_f1(
    night, book, members, contest, monkeypatch, caplog
):

    def judge(thresholds):
        quality = dataclasses.replace(contest.candidate.evaluation, thresholds=thresholds)
        candidate = dataclasses.replace(contest.candidate, evaluation=quality)
        monkeypatch.setattr(
            "propensity.evaluation.contest.judge",
            lambda *_: dataclasses.replace(contest, candidate=candidate),
        )
        caplog.clear()
        evaluate(night, book, members)
        return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]

    half = contest.candidate.evaluation.f1 / 2
    assert judge((half,) * 5) == []
    (warning,) = judge((half + 0.3,) * 5)
    assert "The mean threshold differs by +0.3000 from half of F1" in warning


def test_seals_the_version(night, contest, members):
    saved = contest.candidate.version
    assert saved.files_digest
    version = load_version(night.workspace.model(night.version_name), saved.files_digest)
    assert version == saved
    assert version.members == tuple(members)
