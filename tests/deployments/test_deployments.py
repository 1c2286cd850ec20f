"""From a clone to a scheduled night, for real: server, worker, database, browser.

The processes are asked over HTTP alone: Playwright keeps an event loop running here.
"""

import asyncio
import datetime as dt
import io
import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import matplotlib.pyplot as plt
import numpy as np
import pytest
import yaml
from sqlalchemy import text

from propensity.folds import N_FOLDS
from propensity.warehouse.engine import connect
from tests.conftest import start_patiently
from tests.flows.prefect_stack import find_processes

from .conftest import (
    FAR_AWAY,
    LOGIN,
    N_ROWS,
    PATIENCE_SECONDS,
    ROOT,
    START,
    WEBHOOK_URL,
    find_free_port,
)

PREFECT_YAML = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYED = {d["name"]: d for d in PREFECT_YAML["deployments"]}
AS_OF = "2026-11-20"
QUICK = {"as_of": AS_OF, "max_epochs": 2, "batch_size": 256, "n_bootstrap": 20}
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
STAGES |= {f"train-fold-{k}" for k in range(N_FOLDS)} | {"score-part-0"}
MOST_ARTIFACT_BYTES = 200_000
AWAY_SECONDS = 60
SECONDS_TO_ASK = 10  # of a night that asks for its warehouse, and is refused again and again


@pytest.mark.parametrize("name", DEPLOYED)
def test_every_entrypoint_is_a_flow_of_that_name(name, monkeypatch):
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(ROOT)
    found = load_flow_from_entrypoint(DEPLOYED[name]["entrypoint"], use_placeholder_flow=False)
    assert found.name == name
    assert set(DEPLOYED[name].get("parameters", {})) <= set(found.parameters.properties)


def test_no_schedule_falls_into_the_hours_that_clocks_leave_out_or_repeat():
    for deployment in DEPLOYED.values():
        for schedule in deployment.get("schedules", []):
            hour = schedule["cron"].split()[1]
            assert hour == "*" or not 1 <= int(hour) < 3, deployment["name"]


CLOCKS_CHANGE = [dt.date(2027, 3, 28), dt.date(2026, 10, 25)]


def list_times(cron: str, day: dt.date) -> list[str]:
    """When Prefect begins runs on a day and the days beside it, by the clock in Berlin."""
    from prefect.server.schemas.schedules import CronSchedule

    berlin = ZoneInfo("Europe/Berlin")
    begin = dt.datetime.combine(day - dt.timedelta(days=1), dt.time(), berlin)
    end = dt.datetime.combine(day + dt.timedelta(days=2), dt.time(), berlin)
    schedule = CronSchedule(cron=cron, timezone="Europe/Berlin")
    # in a thread of its own: Playwright keeps an event loop running in this one
    with ThreadPoolExecutor() as pool:
        due = pool.submit(asyncio.run, schedule.get_dates(n=99, start=begin, end=end)).result()
    return [f"{time.astimezone(berlin):%d %H:%M}" for time in due if time < end]


@pytest.mark.parametrize("day", CLOCKS_CHANGE, ids=str)
def test_there_is_one_run_a_day_at_its_time_when_clocks_change(day):
    days = [day + dt.timedelta(days=n) for n in (-1, 0, 1)]
    for name in ("nightly", "retention", "watchdog"):
        (schedule,) = DEPLOYED[name]["schedules"]
        minute, hour, *_ = schedule["cron"].split()
        at = dt.time(int(hour), int(minute))
        assert list_times(schedule["cron"], day) == [f"{d:%d} {at:%H:%M}" for d in days]


def test_in_the_hour_that_is_left_out_a_run_begins_an_hour_early():
    """As deployments/README.md says; the hour that there is twice has one run."""
    spring, autumn = CLOCKS_CHANGE
    assert list_times("30 2 * * *", spring) == ["27 02:30", "28 01:30", "29 02:30"]
    assert list_times("30 2 * * *", autumn) == ["24 02:30", "25 02:30", "26 02:30"]


@dataclass(frozen=True)
class Scene:
    """What the worker ran: a night, a second one started meanwhile, and a comparison."""

    night: dict[str, Any]
    second: dict[str, Any]
    comparison: dict[str, Any]
    is_waited_for: bool
    """The warehouse was away, and the night went on as soon as it was back."""


@pytest.fixture(scope="module")
def lonely_worker(tmp_path_factory):
    """A worker without a server: it waits half a minute, so it does that beside the night."""
    url = f"http://127.0.0.1:{find_free_port()}/api"
    folder = str(tmp_path_factory.mktemp("lonely"))
    environment = {"PATH": os.environ["PATH"], "PROPENSITY_DATA_DIR": folder}
    worker = subprocess.Popen(
        [START, "worker"],
        env=environment | {"PREFECT_API_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield worker, url
    worker.kill()
    worker.communicate()


@pytest.fixture(scope="module")
def scene(live, lonely_worker):
    """The warehouse is stopped for a minute while the members are trained.

    A comparison, which needs no warehouse, fills the minute.
    """
    night = live.run("nightly", config=QUICK)
    live.wait(lambda: live.read_run(night)["state_type"] == "RUNNING", "the night to begin")
    second = live.run("nightly", config=QUICK)
    small = {"csv": [str(live.folder / "small.csv")], "max_epochs": 1}
    comparison = live.run("compare", config=QUICK | small, strategies=["undersample"])
    live.wait_for_task(night, "train-fold-0")
    live.warehouse.stop()
    back = time.monotonic() + AWAY_SECONDS
    live.wait_for_task(night, "evaluate")
    time.sleep(max(SECONDS_TO_ASK, back - time.monotonic()))
    waits = live.read_run(night)["state_type"] == "RUNNING"
    start_patiently(live.warehouse)
    ran = (live.wait_for_end(run) for run in (night, second, comparison))
    return Scene(*ran, is_waited_for=waits)


@pytest.fixture(scope="module")
def night(scene):
    return scene.night


@pytest.mark.slow
def test_the_schedule_has_made_runs(live):
    """With some versions of SQLAlchemy it makes none, and nothing else shows it."""

    def find_due() -> dict[str, str]:
        only = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        runs = live.ask("POST", "flow_runs/filter", sort="EXPECTED_START_TIME_DESC", **only)
        scheduled = [r for r in runs if r["auto_scheduled"]]
        return {ids[r["deployment_id"]]: r["next_scheduled_start_time"] for r in scheduled}

    deployments = live.ask("POST", "deployments/filter")
    ids = {d["id"]: d["name"] for d in deployments}
    assert set(ids.values()) == set(DEPLOYED)
    live.wait(lambda: set(find_due()) == set(DEPLOYED), "a run of every deployment")
    due = dt.datetime.fromisoformat(find_due()["nightly"])
    assert due.astimezone(ZoneInfo("Europe/Berlin")).time() == dt.time(3, 30)


@pytest.mark.slow
def test_a_night_is_run_by_the_worker_and_published(live, night):
    assert night["state_type"] == "COMPLETED", live.read_logs()
    assert night["name"] == f"nightly {AS_OF}"
    with connect(live.warehouse_url).connect() as connection:
        query = text(
            "SELECT count(*), min(s.as_of), min(r.flow_run_id)"
            " FROM current_scores s JOIN scoring_runs r ON r.run_id = s.run_id"
        )
        n_scored, as_of, flow_run_id = connection.execute(query).one()
    assert (n_scored, str(as_of), flow_run_id) == (N_ROWS, AS_OF, night["id"])


@pytest.mark.slow
def test_every_stage_fold_and_part_is_a_task_run(live, night):
    tasks = live.find_tasks(night["id"])
    assert {t["name"] for t in tasks} == STAGES
    assert {t["state_type"] for t in tasks} == {"COMPLETED"}


def read_artifacts(live, run) -> dict[str, str]:
    only = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
    return {a["key"]: str(a["data"]) for a in live.ask("POST", "artifacts/filter", **only)}


@pytest.mark.slow
def test_the_operator_finds_the_card_the_tables_and_the_pictures(live, night):
    found = read_artifacts(live, night)
    training = {f"training-fold-{k}" for k in range(5)}
    pages = {"class-balance", "evaluation", "slices", "decision", "night", "model-card"}
    assert set(found) == pages | training
    assert max(len(data.encode()) for data in found.values()) < MOST_ARTIFACT_BYTES
    assert found["decision"].startswith("# Promoted: the candidate scores the book")
    assert f"| policyholders scored | {N_ROWS:,} |" in found["decision"]


@pytest.mark.slow
def test_a_second_night_does_not_wait_for_the_first(scene):
    assert scene.second["state_type"] == "CANCELLED"
    assert "concurrency limit" in scene.second["state"]["message"]


@pytest.mark.slow
def test_a_night_waits_for_a_warehouse_that_is_away_for_a_minute(live, scene, night):
    assert scene.is_waited_for
    assert night["state_type"] == "COMPLETED", live.read_logs()
    assert {t["run_count"] for t in live.find_tasks(night["id"])} == {1}


@pytest.mark.slow
def test_strategies_are_compared_by_the_worker(live, scene):
    assert scene.comparison["state_type"] == "COMPLETED", live.read_logs()
    (text,) = read_artifacts(live, scene.comparison).values()
    assert all(f"| {name} |" in text for name in ("none", "undersample"))


@pytest.mark.slow
def test_retention_is_run_by_the_worker(live, night):
    run = live.wait_for_end(live.run("retention"))
    assert run["state_type"] == "COMPLETED", live.read_logs()
    assert re.fullmatch(r"retention \d{4}-\d\d-\d\d", run["name"])


@pytest.mark.slow
def test_every_line_of_the_log_of_worker_and_nights_is_json(live, scene):
    """Of nights that went well, of one that was refused, of one whose warehouse was away."""
    lines = (live.folder / "worker.log").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in told)
    of_night = [line for line in told if line.get("flow_run") == f"nightly {AS_OF}"]
    stages = {line["task_run"]: line["message"] for line in of_night if "task_run" in line}
    assert set(stages) == STAGES
    assert any(line["logger"] == "prefect.flow_runs.worker" for line in told)
    for line in (live.folder / "server.log").read_text(encoding="utf-8").splitlines():
        json.loads(line)


@pytest.mark.slow
def test_the_server_keeps_to_itself(live):
    every = live.ask("GET", "admin/settings")
    settings = every["server"]
    assert not settings["analytics_enabled"]
    assert not every["cloud"]["enable_orchestration_telemetry"]
    live.wait_for_worker()  # until then it is deployments/start, with what that was given
    ours = set(find_processes("PREFECT_HOME", live.environment["PREFECT_HOME"]))
    assert ours
    assert ours <= set(find_processes("DO_NOT_TRACK", "1"))
    assert settings["concurrency"]["lease_storage"].endswith("filesystem")
    assert settings["services"]["late_runs"]["after_seconds"] == "PT5M"
    shown = httpx.get(f"{live.url}/ui-settings").json()
    assert shown["api_url"] == f"{live.url}/api"
    assert (shown["auth"], shown["default_ui"]) == ("BASIC", "v1")
    assert (live.folder / "server").stat().st_mode & 0o077 == 0
    on_sqlite = (live.folder / "server" / "prefect.db").exists()
    assert on_sqlite == (live.prefect_url is None)


@pytest.mark.slow
def test_strangers_and_forged_requests_are_refused(live):
    seen = f"{live.url}/api/deployments/name/nightly/nightly"
    assert httpx.get(seen).status_code == 401
    assert httpx.get(seen, auth=("propensity", "guess")).status_code == 401
    assert httpx.get(seen, auth=LOGIN).status_code == 200
    forged = httpx.post(f"{live.url}/api/deployments/filter", json={}, auth=LOGIN)
    assert (forged.status_code, forged.json()["detail"]) == (403, "Missing CSRF token.")


@pytest.mark.slow
def test_a_worker_that_starts_says_what_it_cleared_away(live):
    """A run of before it has no process; it is begun again, with the parameters it had."""
    said = "was Running: crashed, restarted"
    (dead,) = re.findall(rf"^[a-z]+-[a-z]+ \((.*)\) {said}$", live.wait_for_worker(), re.MULTILINE)
    assert live.read_run(dead)["state_type"] == "CRASHED"
    only = {"flow_runs": {"tags": {"all_": ["begun-again"]}}}
    (again,) = live.ask("POST", "flow_runs/filter", **only)
    ended = live.wait_for_end(again["id"])
    assert ended["parameters"] == live.read_run(dead)["parameters"] == {"as_of": FAR_AWAY}
    assert (ended["name"], ended["state_type"]) == (f"watchdog {FAR_AWAY}", "COMPLETED")


@pytest.mark.slow
def test_an_operators_commands_find_the_server(live):
    """As docs/operations.md shows them, with the file of settings alone."""
    assert not any(name.startswith("PREFECT_API") for name in live.environment)
    told = live.run_command("propensity", "ops", "setup")
    assert (told.returncode, told.stderr) == (0, "")
    assert f" automations on {live.url}/api" in told.stdout
    made = {a["name"] for a in live.ask("POST", "automations/filter")}
    assert made == set(re.findall("propensity: .*", told.stdout))
    only = {"block_documents": {"name": {"any_": ["propensity-webhook"]}}, "include_secrets": True}
    (block,) = live.ask("POST", "block_documents/filter", **only)
    assert block["data"]["url"] == WEBHOOK_URL
    shown = live.run_command("prefect", "deployment", "ls").stdout
    assert all(f"{name}/{name}" in shown for name in DEPLOYED)


@pytest.mark.slow
@pytest.mark.parametrize("words", [("setup",), ("reconcile", "--retry")], ids=" ".join)
@pytest.mark.parametrize(
    ("given", "refused"),
    [("propensity:hunter2", "the password given"), ("", "a request without a password")],
    ids=["wrong", "none"],
)
def test_a_password_that_is_refused_is_said_in_one_sentence(live, words, given, refused):
    told = live.run_command("propensity", "ops", *words, PREFECT_API_AUTH_STRING=given)
    assert (told.returncode, told.stdout) == (1, "")
    (line,) = told.stderr.splitlines()
    assert line.startswith(f"PropensityError: The server {live.url}/api/ refuses {refused} (401).")
    assert "Set PREFECT_API_AUTH_STRING to the server's" in line
    assert not {"hunter2", LOGIN[1]} & set(re.split(r"[:/ ]", line))


@pytest.mark.slow
def test_no_password_in_the_address_is_printed(live):
    address = live.url.replace("//", "//propensity:hunter2@")
    for path, answer in {"/api": "refuses the password", "/elsewhere": "answers 403"}.items():
        told = live.run_command("propensity", "ops", "setup", PREFECT_API_URL=address + path)
        assert told.stderr.startswith(f"PropensityError: The server {live.url}{path}/ {answer}")
        assert "hunter2" not in told.stderr


@pytest.mark.slow
def test_a_server_that_is_not_there_is_waited_for_and_then_named(night, lonely_worker):
    worker, url = lonely_worker
    assert worker.communicate(timeout=PATIENCE_SECONDS) == (
        "",
        f"No Prefect server answers at {url}. Start it: make server\n",
    )
    assert worker.returncode == 1


@pytest.fixture
def browser_page(chromium, live):
    """Logged in as an operator is; nothing outside may be asked for."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page.set_default_timeout(1000 * PATIENCE_SECONDS)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))  # '' of a blob
    page.goto(f"{live.url}/login")
    page.get_by_placeholder("admin:pass").fill(":".join(LOGIN))
    page.get_by_role("button", name="Login").click()
    page.wait_for_url(lambda url: "login" not in url)
    yield page
    assert asked - {""} == {urlsplit(live.url).netloc}
    page.close()


def keep(name: str) -> Path:
    """Where a picture stays to be looked at; docs/ui.png is the two side by side."""
    folder = ROOT / ".screenshots"
    folder.mkdir(exist_ok=True)
    return folder / name


def count_green(picture: bytes) -> int:
    """Pixels in the colour of a completed task run."""
    red, green, blue, *_ = np.moveaxis(plt.imread(io.BytesIO(picture)), -1, 0)
    return int(((green > 0.4) & (green > 1.5 * red) & (green > 1.5 * blue)).sum())


@pytest.mark.slow
def test_the_browser_shows_the_graph_and_the_card(live, night, browser_page):
    browser_page.goto(f"{live.url}/runs/flow-run/{night['id']}")
    browser_page.get_by_text(f"{len(STAGES)} Task runs").wait_for()
    graph = browser_page.locator("canvas")
    live.wait(lambda: count_green(graph.screenshot()) > 1000, "a graph with completed task runs")
    browser_page.screenshot(path=keep("run.png"))
    browser_page.get_by_text("Artifacts", exact=True).last.click()
    browser_page.get_by_role("link").filter(has_text="decision").click()
    card = browser_page.get_by_role("heading", name="Promoted: the candidate scores the book")
    card.wait_for()
    assert browser_page.get_by_role("cell", name=f"{N_ROWS:,}").count() == 2  # read and scored
    browser_page.screenshot(path=keep("card.png"))
    with browser_page.expect_popup() as opened:
        browser_page.get_by_role("link", name="the night in pictures").click()
    picture = opened.value.get_by_role("img", name="Precision-recall curve")
    picture.wait_for()
    assert picture.evaluate("i => i.naturalWidth") > 100
    with browser_page.expect_popup() as opened:
        browser_page.get_by_role("link", name="model card").click()
    opened.value.get_by_role("heading", name=f"Model card: {AS_OF}").wait_for()
