import dataclasses
import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter
from prefect.settings import PREFECT_API_URL

from flows.nightly import NightResult, nightly
from propensity.errors import ChangedModelError, InputError, ModelError
from propensity.ingest.contract import load_contract
from propensity.metrics.classification import measure_f1
from propensity.model.store import model_path
from propensity.settings import NightlyConfig, Settings
from propensity.simulation.book import simulate_book
from propensity.storage.hashing import digest_config, digest_files
from propensity.storage.workspace import Workspace
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.promotions import find_champion
from propensity.warehouse.queries import RUNS, RunSummary, read_rows, summarize_run
from propensity.warehouse.runs import Night

pytestmark = pytest.mark.slow
N_ROWS = 20_000
FIRST_DATE = dt.date(2026, 11, 1)
STAGES = {
    "ingest",
    "report",
    "evaluate",
    "promote",
    "score",
    "describe",
    "publish",
    "present",
    "alert",
}
STAGES |= {f"train-fold-{k}" for k in range(5)} | {"score-part-0"}
QUICK = {"max_epochs": 2, "batch_size": 256, "n_bootstrap": 50}
NETWORK = {"model_family": "network"}  # the first night and its repetitions; others are logistic


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, prefect_server: None):
    folder = tmp_path_factory.mktemp("nights")
    simulate_book(folder / "book.csv", n_rows=N_ROWS, seed=3, unlabelled_share=0.25)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROPENSITY_DATA_DIR", str(folder / "data"))
        yield folder


@pytest.fixture(scope="module")
def run_night(folder: Path) -> Callable[..., NightResult]:
    def run(csv: str, day: int, **settings) -> NightResult:
        date = FIRST_DATE + dt.timedelta(days=day)
        return nightly(NightlyConfig(csv=[str(folder / csv)], as_of=date, **QUICK | settings))

    return run


@pytest.fixture(scope="module")
def first(run_night) -> NightResult:
    return run_night("book.csv", 0, **NETWORK)


def summarize(result: NightResult) -> RunSummary:
    return summarize_run(open_warehouse(Settings().warehouse_url), result.run_id)


def read(query: str) -> pd.DataFrame:
    with open_warehouse(Settings().warehouse_url).connect() as connection:
        return pd.read_sql(query, connection)


def write_book(folder: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> str:
    change(pd.read_csv(folder / "book.csv")).to_csv(folder / name, index=False)
    return name


def test_first_night_is_promoted_and_everyone_is_scored(first):
    summary = summarize(first)
    assert summary.decision == "promoted"
    assert "beats the baseline" in summary.decision_reason
    assert summary.n_policyholders == N_ROWS == len(read("SELECT 1 FROM current_scores"))
    assert summary.prevalence < summary.f1_low < summary.f1_score < summary.f1_high < 0.6


def test_published_f1_is_the_f1_of_the_published_scores(folder, first):
    told = pd.read_csv(folder / "book.csv").set_index("id")["Response"].dropna().astype(int)
    scores = read("SELECT policyholder_id, predicted_response FROM current_scores")
    predicted = scores.set_index("policyholder_id")["predicted_response"].loc[told.index]
    f1 = measure_f1(told.to_numpy(), predicted.to_numpy())
    assert summarize(first).f1_score == pytest.approx(f1, abs=1e-12)


def test_probabilities_are_calibrated_although_classes_were_weighted(folder, first):
    summary = summarize(first)
    mean = read("SELECT avg(probability) AS mean FROM current_scores")["mean"].iloc[0]
    assert mean == pytest.approx(summary.prevalence, abs=0.02)


def test_every_stage_is_a_task_run_with_a_readable_name_and_no_result_is_pickled(first):
    flow_run_id = read("SELECT flow_run_id FROM scoring_runs WHERE run_id = 1").iloc[0, 0]
    with get_client(sync_client=True) as client:
        only = FlowRunFilter(id={"any_": [flow_run_id]})
        tasks = client.read_task_runs(flow_run_filter=only)
        flow_run = client.read_flow_run(flow_run_id)
    assert {run.name for run in tasks} == STAGES
    assert flow_run.name == "nightly 2026-11-01"
    assert [run.name for run in (*tasks, flow_run) if run.state.data is not None] == []


def test_a_killed_night_resumes_and_ends_as_one_that_ran_through(
    folder, run_night, first, monkeypatch, caplog
):
    query = "SELECT * FROM current_scores ORDER BY policyholder_id"
    scores, summary = read(query), summarize(first)
    place = Workspace(folder / "killed")
    monkeypatch.setenv("PROPENSITY_DATA_DIR", str(place.root))
    kill_while_training(folder, place.checkpoints(summary.run_name), fold=3)
    trained = {k: model_path(place.model(summary.run_name), k).read_bytes() for k in range(3)}
    caplog.clear()
    resumed = summarize(run_night("book.csv", 0, **NETWORK))
    taken = [m for m in caplog.messages if m.startswith("reused from ")]
    assert [m.split(" digests match: ")[1].split()[1] for m in taken] == [
        "policyholders", "epochs", "epochs", "epochs"
    ]  # fmt: skip
    told = [r.task_run_name for r in caplog.records if re.search(r", \d+\.\d s$", r.getMessage())]
    assert sorted(told) == sorted(STAGES), "one line a stage, with its seconds"
    assert resumed.run_name == f"{summary.run_name}-2"
    for fold, network in trained.items():  # Keras writes the time into it
        assert model_path(place.model(resumed.run_name), fold).read_bytes() == network
    assert resumed.f1_score == summary.f1_score
    own = ["run_id", "model_version", "scored_at"]
    pd.testing.assert_frame_equal(
        read(query).drop(columns=own), scores.drop(columns=own), check_exact=True
    )


def kill_while_training(folder: Path, checkpoints: Path, fold: int) -> None:
    """Run the night in a process of its own; kill -9 once the fold before has its checkpoint."""
    command = [Path(sys.executable).with_name("propensity"), "run", str(folder / "book.csv")]
    mine = QUICK | NETWORK
    settings = {f"PROPENSITY_{name.upper()}": str(value) for name, value in mine.items()}
    settings |= {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "PROPENSITY_LOG_FORMAT": "json"}
    words = [*command, "--as-of", str(FIRST_DATE)]
    log = folder / "killed.log"
    with (
        log.open("w") as out,
        subprocess.Popen(words, env=os.environ | settings, stdout=out, stderr=out) as night,
    ):
        deadline = time.monotonic() + 600
        while not (checkpoints / f"train-fold-{fold - 1}.json").exists():
            assert night.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        night.kill()
    assert not (checkpoints / f"train-fold-{fold}.json").exists()
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    ended = [line["task_run"] for line in lines if " epochs on " in line["message"]]
    assert ended[: fold - 1] == [f"train-fold-{k}" for k in range(fold - 1)], "TensorFlow was there"


def test_same_night_again_does_nothing(folder, run_night, first):
    versions = sorted(p.name for p in (folder / "data" / "models").iterdir())
    again = run_night("book.csv", 0, **NETWORK)
    assert again == dataclasses.replace(first, is_repeat=True)
    assert sorted(p.name for p in (folder / "data" / "models").iterdir()) == versions
    assert len(read("SELECT 1 FROM scoring_runs")) == 1


def test_the_database_url_is_no_flow_parameter():
    schema = json.dumps(nightly.parameters.model_dump(mode="json"))
    assert "promotion_margin" in schema
    assert "database" not in schema


def test_bad_file_leaves_last_night_readable_and_says_why(folder, run_night, first):
    write_book(folder, "bad.csv", lambda book: book.assign(Age="young"))
    with pytest.raises(InputError, match="20,000 of 20,000 rows were rejected"):
        run_night("bad.csv", 1)
    runs = read_rows(open_warehouse(Settings().warehouse_url), RUNS, 1)
    assert runs.loc[0, "status"] == "failed"
    assert "line 2, column Age" in runs.loc[0, "reason"]
    assert set(read("SELECT run_id FROM current_scores")["run_id"]) == {first.run_id}


@pytest.fixture(scope="module")
def third(folder, run_night, first) -> NightResult:
    """Since last night answers follow Vintage: the champion cannot know.

    One threshold for all then lies higher, and fewer are called of those with other Vintages: that
    is tolerated here.
    """

    def plant(book: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        says_yes = (book["Vintage"] < 60) & (rng.random(len(book)) < 0.8)
        return book.assign(Response=book["Response"].where(~says_yes | book["Response"].isna(), 1))

    return run_night(write_book(folder, "planted.csv", plant), 2, slice_tolerance=0.9)


def test_a_planted_better_signal_is_promoted(third):
    summary = summarize(third)
    assert (summary.decision, summary.model_version) == ("promoted", summary.run_name)
    assert "against" in summary.decision_reason


@pytest.fixture(scope="module")
def fourth(folder, run_night, third) -> NightResult:
    """Answers are shuffled, and a folder stands where the page should be written."""

    def shuffle(book: pd.DataFrame) -> pd.DataFrame:
        shuffled = book["Response"].sample(frac=1, random_state=0).to_numpy()
        return book.assign(Response=shuffled)

    csv = write_book(folder, "shuffled.csv", shuffle)
    in_the_way = Workspace(folder / "data").night_page(name_night(folder / csv, 3))
    in_the_way.mkdir(parents=True)
    return run_night(csv, 3)


def name_night(csv: Path, day: int) -> str:
    config = NightlyConfig(csv=[str(csv)], **QUICK)
    digest = digest_config(load_contract().digest, config.identity)
    return Night(FIRST_DATE + dt.timedelta(days=day), digest_files([csv]), digest).name


def test_shuffled_responses_are_not_promoted_and_the_champion_scores(third, fourth):
    summary = summarize(fourth)
    assert summary.decision == "kept_champion"
    assert summary.model_version == summarize(third).run_name
    assert set(read("SELECT run_id FROM current_scores")["run_id"]) == {fourth.run_id}
    assert summary.f1_score < 0.25  # no skill: 2p/(1+p) is 0.22


def test_a_night_that_cannot_be_drawn_is_published_all_the_same(folder, fourth):
    run = read("SELECT * FROM scoring_runs").set_index("run_id").loc[fourth.run_id]
    assert run["status"] == "published"
    with get_client(sync_client=True) as client:
        only = FlowRunFilter(id={"any_": [run["flow_run_id"]]})
        tasks = {t.name: t for t in client.read_task_runs(flow_run_filter=only)}
        assert client.read_flow_run(run["flow_run_id"]).state.is_completed()
    assert tasks["present"].state.is_failed()
    assert "night.html" in tasks["present"].state.message
    assert not Workspace(folder / "data").night_page(run["run_name"]).is_file()


def test_the_page_compares_with_the_night_readers_saw_before(folder, first, third):
    pages = [Workspace(folder / "data").night_page(summarize(n).run_name) for n in (first, third)]
    assert "This is the first night" in pages[0].read_text(encoding="utf-8")
    text = pages[1].read_text(encoding="utf-8")
    assert f"since {FIRST_DATE}" in text
    assert "Promoted" in text


def test_tables_keep_their_history_under_the_same_key(first, third):
    runs = read("SELECT run_id, flow_run_id FROM scoring_runs").set_index("run_id")["flow_run_id"]
    both = {runs[first.run_id], runs[third.run_id]}
    with get_client(sync_client=True) as client:
        for key in ("evaluation", "slices", "class-balance", "decision", "night", "model-card"):
            found = client.read_artifacts(artifact_filter=ArtifactFilter(key={"any_": [key]}))
            assert both <= {str(artifact.flow_run_id) for artifact in found}, key


def test_force_repeats_a_night_with_the_same_scores_and_readers_keep_the_newer(
    folder, run_night, first, third
):
    current = read("SELECT max(as_of) AS as_of FROM current_scores").iloc[0, 0]
    forced = run_night("book.csv", 0, force=True, **NETWORK)
    assert not forced.is_repeat
    again, before = summarize(forced), summarize(first)
    assert again.run_name == f"{before.run_name}-2"
    # a night of the past is judged beside the champion of its time: its own first attempt
    assert again.decision == "kept_champion"
    assert again.model_version == before.run_name
    query = (
        "SELECT policyholder_id, probability FROM policyholder_scores WHERE run_id = {}"
        " ORDER BY policyholder_id"
    )
    repeated, original = read(query.format(forced.run_id)), read(query.format(first.run_id))
    pd.testing.assert_frame_equal(repeated, original, check_exact=True)
    models = folder / "data" / "models"
    for fold in range(5):  # Keras writes the time into it: these were trained anew
        old, new = (model_path(models / s.run_name, fold) for s in (before, again))
        assert new.read_bytes() != old.read_bytes()
    assert read("SELECT max(as_of) AS as_of FROM current_scores").iloc[0, 0] == current


def test_a_changed_champion_stops_the_night_at_its_start_and_is_not_replaced(
    folder, run_night, first
):
    champion = find_champion(open_warehouse(Settings().warehouse_url))
    before = read("SELECT * FROM current_scores")
    (model,) = (folder / "data" / "models" / champion).glob("member-2.*")
    sound = model.read_bytes()
    model.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    with pytest.raises(ChangedModelError, match=rf"{re.escape(model.name)} has the SHA-256"):
        run_night("book.csv", 9, max_epochs=1)
    model.write_bytes(sound)
    stopped = read("SELECT run_name FROM scoring_runs ORDER BY run_id DESC").iloc[0, 0]
    assert not Workspace(folder / "data").curated(stopped).exists(), "before the first stage"
    runs = read_rows(open_warehouse(Settings().warehouse_url), RUNS, 1)
    assert runs.loc[0, "status"] == "failed"
    assert f"{model.name} has the SHA-256" in runs.loc[0, "reason"]
    assert find_champion(open_warehouse(Settings().warehouse_url)) == champion
    pd.testing.assert_frame_equal(read("SELECT * FROM current_scores"), before)


def test_without_any_usable_model_nothing_is_published(tmp_path, monkeypatch, prefect_server):
    monkeypatch.setenv("PROPENSITY_DATA_DIR", str(tmp_path / "data"))
    simulate_book(tmp_path / "noise.csv", n_rows=6_000, seed=0, signal=0)
    config = NightlyConfig(csv=[str(tmp_path / "noise.csv")], max_epochs=1, n_bootstrap=20)
    with pytest.raises(ModelError, match="does not clearly beat"):
        nightly(config)
    assert len(read("SELECT * FROM current_scores")) == 0
    assert read("SELECT decision FROM promotions")["decision"].tolist() == ["rejected"]
    card = Artifact.get("decision")
    assert card.data.startswith("# Not promoted, and there is no champion: nothing is published")
    assert "| everyone positive | 0.2" in card.data
    assert Path(card.description.removeprefix("Model card: ")).exists()
