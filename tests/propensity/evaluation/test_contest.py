"""Who is judged on what: everything is compared on the same labelled rows."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from propensity.errors import ChangedModelError, ModelError
from propensity.evaluation.contest import judge
from propensity.evaluation.deciles import compare_buyers
from propensity.evaluation.recalibration import Recalibration, recalibrate_if_better
from propensity.evaluation.records import Contest
from propensity.evaluation.slices import measure_slices
from propensity.ingest.book import CuratedBook
from propensity.ingest.contract import Contract, load_contract
from propensity.metrics.classification import compare_f1
from propensity.metrics.evaluation import evaluate_scores
from propensity.metrics.intervals import Interval
from propensity.metrics.threshold import predict_responses
from propensity.model.store import ModelVersion, save_version
from propensity.settings import NightlyConfig
from propensity.simulation.book import simulate_rows
from propensity.storage.workspace import Workspace

CONFIG = NightlyConfig(n_bootstrap=20)
CONTRACT = load_contract()
Hold = Callable[..., Contest]
N_ROWS = 5000


def make_scores(skill: float) -> pd.DataFrame:
    """The same rows for all skills, another score."""
    rng = np.random.default_rng(0)
    response = (rng.random(N_ROWS) < 0.12).astype(np.int8)
    noise = rng.random(N_ROWS)
    return pd.DataFrame(
        {
            "policyholder_id": np.arange(N_ROWS),
            "fold": rng.integers(0, 5, N_ROWS, dtype=np.int8),
            "response": response,
            "probability": (skill * response + (1 - skill) * noise).astype(np.float32),
            "follows_rule": rng.random(N_ROWS) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> CuratedBook:
    """The features and responses of those rows, and some that have not answered."""
    table, _ = simulate_rows(N_ROWS + 100, np.random.default_rng(0))
    columns = {c.name: table[c.name].cast(c.arrow_type) for c in CONTRACT.features}
    response = [*make_scores(0)["response"], *[None] * 100]
    part = tmp_path_factory.mktemp("book") / "part.parquet"
    pq.write_table(pa.table(columns | {"response": pa.array(response, pa.int8())}), part)
    return CuratedBook((part,), Path("rejected.csv"), N_ROWS + 100, 0, N_ROWS, sum(response[:-100]))


def make_version(workspace: Workspace, name: str) -> ModelVersion:
    folder = workspace.model(name)
    folder.mkdir(parents=True, exist_ok=True)
    return save_version(ModelVersion(name, folder, CONTRACT.digest, ()))


@pytest.fixture
def hold(workspace: Workspace, book: CuratedBook) -> Callable[..., Contest]:
    def hold(candidate: str, champion: str | None, digest: str | None = None) -> Contest:
        version = make_version(workspace, candidate)
        return judge(book, CONTRACT, CONFIG, version, champion, workspace, digest)

    return hold


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Versions whose skill is in their name: no network is needed to compare scores."""

    def score_by_name(_: CuratedBook, version: ModelVersion, __: Contract) -> pd.DataFrame:
        return make_scores(float(version.name))

    monkeypatch.setattr("propensity.evaluation.contest.score_labelled", score_by_name)
    return Workspace(tmp_path)


def make_judged(skill: float) -> tuple[pd.DataFrame, Recalibration]:
    scored = make_scores(skill)
    found = recalibrate_if_better(scored)
    better = found.apply(scored["probability"].to_numpy(), scored["fold"].to_numpy())
    return scored.assign(probability=better), found


def test_both_are_evaluated_on_the_same_rows(workspace: Workspace, hold: Hold) -> None:
    make_version(workspace, "0.3")
    contest = hold("0.4", "0.3")
    assert contest.champion is not None
    for contender, skill in ((contest.candidate, 0.4), (contest.champion, 0.3)):
        judged, recalibration = make_judged(skill)
        expected = evaluate_scores(judged, seed=CONFIG.seed, n_bootstrap=20)
        assert contender.evaluation == expected
        assert contender.recalibration == recalibration
        assert contender.version.name == str(skill)


def test_the_difference_is_paired_and_signed(workspace: Workspace, hold: Hold) -> None:
    make_version(workspace, "0.3")
    contest = hold("0.4", "0.3")
    assert contest.champion is not None
    predicted = []
    for contender, skill in ((contest.candidate, 0.4), (contest.champion, 0.3)):
        scored, _ = make_judged(skill)
        probability, fold = scored["probability"].to_numpy(), scored["fold"].to_numpy()
        predicted.append(predict_responses(probability, fold, contender.evaluation.thresholds))
    response = make_scores(0)["response"].to_numpy()
    assert contest.difference == compare_f1(response, *predicted, seed=CONFIG.seed)
    assert contest.difference.low > 0


def test_a_version_does_not_differ_from_itself(workspace: Workspace, hold: Hold) -> None:
    make_version(workspace, "0.3")
    assert hold("0.30", "0.3").difference == Interval(0, 0)


def test_baselines_are_everyone_and_the_contracts_rule(workspace: Workspace, hold: Hold) -> None:
    everyone, rule = hold("0.3", None).baselines
    p = make_scores(0)["response"].mean()
    assert everyone.f1 == pytest.approx(2 * p / (1 + p))
    assert rule.description == CONTRACT.rule.description
    assert rule.f1 < everyone.f1  # this rule is a coin


def test_the_first_version_has_no_champion(workspace: Workspace, hold: Hold) -> None:
    contest = hold("0.3", None)
    assert (contest.champion, contest.difference) == (None, None)
    assert contest.no_champion_reason == "there is no champion yet"


def test_a_champion_whose_folder_is_lost_is_left_out_and_why(
    workspace: Workspace, hold: Hold
) -> None:
    contest = hold("0.3", "0.4", "d" * 64)
    assert (contest.champion, contest.difference) == (None, None)
    lost = workspace.model("0.4")
    why = f"champion 0.4 cannot be evaluated ({lost} contains no model version)"
    assert contest.no_champion_reason == why


def test_a_champion_whose_files_were_changed_stops_the_night(
    workspace: Workspace, hold: Hold
) -> None:
    champion = make_version(workspace, "0.3")
    assert hold("0.4", "0.3", champion.files_digest).champion is not None
    path = champion.folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("0.3", "0.9"), encoding="utf-8")
    with pytest.raises(ChangedModelError, match=r"manifest\.json has the SHA-256"):
        hold("0.4", "0.3", champion.files_digest)


def test_a_champion_of_another_contract_is_left_out_and_why(
    workspace: Workspace, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_old(_: CuratedBook, version: ModelVersion, __: Contract) -> pd.DataFrame:
        if version.name == "old":
            raise ModelError("encoder-0.json encodes Age", todo="Train")
        return make_scores(0.3)

    monkeypatch.setattr("propensity.evaluation.contest.score_labelled", refuse_old)
    make_version(workspace, "old")
    contest = hold("0.3", "old")
    assert contest.champion is None
    why = "champion old cannot be evaluated (encoder-0.json encodes Age)"
    assert contest.no_champion_reason == why


def test_a_candidate_that_cannot_be_scored_stops_the_night(
    workspace: Workspace, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> pd.DataFrame:
        raise ModelError("no")

    monkeypatch.setattr("propensity.evaluation.contest.score_labelled", refuse)
    with pytest.raises(ModelError):
        hold("0.3", None)


def test_the_seed_of_the_night_decides_the_bootstrap(
    workspace: Workspace, book: CuratedBook
) -> None:
    candidate = make_version(workspace, "0.3")
    other = dataclasses.replace(candidate)
    intervals = {
        judge(
            book, CONTRACT, NightlyConfig(seed=s, n_bootstrap=20), other, None, workspace, None
        ).candidate.evaluation.f1_interval
        for s in (0, 0, 1)
    }
    assert len(intervals) == 2


def predict(skill: float) -> tuple[pd.DataFrame, np.ndarray]:
    judged, _ = make_judged(skill)
    quality = evaluate_scores(judged, seed=CONFIG.seed, n_bootstrap=20)
    probability, fold = judged["probability"].to_numpy(), judged["fold"].to_numpy()
    return judged, predict_responses(probability, fold, quality.thresholds)


def test_slices_and_deciles_are_of_the_recalibrated_scores_at_tonights_thresholds(
    workspace: Workspace, hold: Hold, book: CuratedBook
) -> None:
    make_version(workspace, "0.3")
    judged, candidate = predict(0.4)
    _, champion = predict(0.3)
    for name, against in (("0.3", champion), (None, None), ("lost", None)):
        contest = hold("0.4", name)
        expected = measure_slices(book, CONTRACT, judged, candidate, against, seed=CONFIG.seed)
        assert contest.slices == expected
        assert {"Gender = Male", "Vehicle_Damage = Yes"} <= {s.name for s in expected}
    found = compare_buyers(judged["response"].to_numpy(), judged["probability"].to_numpy())
    assert contest.candidate.deciles == found


def test_the_same_version_again_collapses_nowhere(workspace: Workspace, hold: Hold) -> None:
    make_version(workspace, "0.3")
    slices = hold("0.30", "0.3").slices
    assert slices
    assert {s.gain for s in slices} == {0.0}
    assert not any(s.collapses(0.0) for s in slices)
