import csv
import dataclasses
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest

from propensity.simulation.book import simulate_book
from propensity.warehouse.access import open_warehouse


@pytest.fixture
def book_of_noise(tmp_path):
    simulate_book(tmp_path / "noise.csv", n_rows=100, seed=0)
    return tmp_path / "noise.csv"


COMMANDS = [
    "run",
    "backfill",
    "leads",
    "runs",
    "models",
    "models rollback",
    "rollback",
    "suppress",
    "retention",
    "simulate",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(propensity, command):
    helped = propensity(*command.split(), "--help")
    assert helped.returncode == 0
    assert f"propensity {command}" in helped.stdout


def test_help_lists_commands_and_exit_codes(propensity):
    helped = propensity("--help").stdout
    assert all(command.split()[0] in helped for command in COMMANDS)
    assert "Exit codes" in helped


def test_no_command_waits_for_what_only_a_night_needs():
    heavy = "{'keras', 'matplotlib', 'prefect', 'sklearn', 'tensorflow'}"
    code = f"import sys, flows.cli.main; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


LOGISTIC = {"PROPENSITY_MODEL_FAMILY": "logistic"}
LOSS_OF_A_NETWORK = LOGISTIC | {"PROPENSITY_STRATEGY": "soft_f1"}


@pytest.mark.parametrize(
    ("words", "variables", "exit_code", "message"),
    [
        (["run"], {}, 3, "No CSV file was given"),
        (["run", "a.csv", "--simulated"], {}, 2, "not both"),
        (["run", "a.csv", "--as-of", "tomorrow"], {}, 2, "--as-of"),
        (["run", "a.csv", "--as-of", "9999-01-01"], {}, 2, "9999-01-01 is in the future"),
        (["run", "a.csv"], {"PROPENSITY_MAX_EPOCHS": "0"}, 2, "PROPENSITY_MAX_EPOCHS: "),
        (["run", "a.csv"], {"PROPENSITY_LOG_FORMAT": "xml"}, 2, "PROPENSITY_LOG_FORMAT: "),
        (["leads", "--top", "0"], {}, 2, "--top"),
        (["leads", "--calls", "99999999999999999999"], {}, 2, "--calls"),
        (["leads", "--top", "99999999999999999999"], {}, 2, "--top"),
        (["runs", "--top", "99999999999999999999"], {}, 2, "--top"),
        (["rollback", "--to", "99999999999999999999", "--reason", "x"], {}, 2, "--to"),
        (["retention", "--keep", "99999999999999999999"], {}, 2, "--keep"),
        (["leads"], {"PROPENSITY_DATABASE_URL": "nonsense"}, 5, "PROPENSITY_DATABASE_URL"),
        (["compare", "--strategy", "focl"], {}, 2, "'focl' is not one of none"),
        (["compare", "--strategy", "focal"], LOGISTIC, 2, "'focal' is not one of none"),
        (["rollback"], {}, 2, "--reason"),
        (["models", "rollback"], {}, 2, "--reason"),
        (["models", "card", "of-nobody"], {}, 4, "of-nobody/card.md"),
        (["models", "card", "../models"], {}, 4, "There is no"),
        (
            ["run", "a.csv"],
            LOSS_OF_A_NETWORK,
            2,
            "PROPENSITY_MODEL_FAMILY: the strategy soft_f1 is",
        ),
        (["suppress", "none.csv"], {}, 3, "none.csv cannot be read"),
        (["retention", "--keep", "0"], {}, 2, "--keep"),
        (["backfill", "x.csv", "--from", "2026-11-01", "--to", "2026-11-02"], {}, 3, "{as_of}"),
        (["simulate", "--rows", "10", "--out", "no/folder/x.csv"], {}, 2, "no/folder"),
        (["simulate", "--rows", "10", "--out", "x.csv", "--prevalence", "2"], {}, 2, "prevalence"),
    ],
)
def test_what_goes_wrong_is_said_and_has_an_exit_code(
    propensity, words, variables, exit_code, message
):
    ended = propensity(*words, **variables)
    assert ended.returncode == exit_code
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr.split("Flow run")[-1]


def test_a_night_whose_file_is_not_there_says_so(propensity, prefect_api):
    ended = propensity("run", "no-such.csv", PREFECT_API_URL=prefect_api.url)
    assert ended.returncode == 3
    assert "No file matches 'no-such.csv'" in ended.stderr
    assert "Traceback" not in ended.stderr.split("Flow run")[-1]


def test_a_second_night_is_refused_while_one_is_running_and_the_log_is_json(
    propensity, prefect_api, book_of_noise
):
    propensity.data_dir.mkdir()
    with (propensity.data_dir / "night.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = propensity(
            "run",
            str(book_of_noise),
            PROPENSITY_LOG_FORMAT="json",
            PREFECT_API_URL=prefect_api.url,
        )
    lines = [json.loads(line) for line in refused.stderr.splitlines()]
    assert refused.returncode == 6
    told = [line for line in lines if line["message"].startswith("BusyError: Another night is")]
    assert told[0]["logger"] == "propensity.runtime.json_log"
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    assert any(line.get("flow_run", "").startswith("nightly 20") for line in lines)
    assert refused.stdout == ""


@pytest.fixture
def without_nights(propensity):
    """A warehouse in which nothing is published."""
    open_warehouse(f"sqlite:///{propensity.data_dir / 'propensity.db'}")
    return propensity


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["leads", "--calls", "100"], 5, "There are no leads"),
        (["leads", "--csv", "no/folder/x.csv"], 2, "no/folder"),
        (["rollback", "--reason", "a try"], 5, "Nothing is published yet"),
        (["models", "rollback", "--reason", "a try"], 5, "No model has been promoted"),
    ],
)
def test_what_needs_a_published_night_says_so(without_nights, words, exit_code, message):
    ended = without_nights(*words)
    assert (ended.returncode, message in ended.stderr) == (exit_code, True)
    assert "nothing is published" in without_nights("leads").stdout


@pytest.mark.parametrize(
    "line",
    [
        "leads",
        "leads --calls 10",
        "runs",
        "models",
        "rollback --reason x",
        "models rollback --reason x",
        "suppress objections.csv",
        "retention",
        "retention --dry-run",
        "models card x",
    ],
)
def test_only_a_night_creates_a_warehouse(propensity, tmp_path, line):
    objections = tmp_path / "objections.csv"
    objections.write_text("policyholder_id,reason\n5,a letter\n")
    ended = propensity(*line.replace("objections.csv", str(objections)).split())
    assert ended.returncode == (4 if "card" in line else 5)
    assert "PROPENSITY_DATA_DIR" in ended.stderr
    assert str(propensity.data_dir) in ended.stderr
    assert list(tmp_path.iterdir()) == [objections]


def test_the_version_is_that_of_the_installed_package(propensity):
    assert propensity("--version").stdout == f"propensity {version('propensity')}\n"


def test_suppress_says_what_was_stored_and_a_pause_does_not_end_an_objection(
    without_nights, tmp_path
):
    propensity = without_nights
    (tmp_path / "both.csv").write_text(
        "policyholder_id,reason,valid_until\n5,objected (GDPR),\n5,campaign pause,2099-12-31\n"
    )
    (tmp_path / "pause.csv").write_text(
        "policyholder_id,reason,valid_until\n5,campaign pause,2099-12-31\n"
    )
    both = propensity("suppress", str(tmp_path / "both.csv")).stdout
    assert both.startswith("1 suppressions recorded")
    assert "1 rows ignored" in both
    later = propensity("suppress", str(tmp_path / "pause.csv")).stdout
    assert later.startswith("0 suppressions recorded")
    assert "--shorten" in later
    ended = propensity("suppress", "--shorten", str(tmp_path / "pause.csv")).stdout
    assert "1 stored suppressions shortened" in ended


def test_simulate_writes_a_book_and_its_truth(propensity, tmp_path):
    out, truth = tmp_path / "book.csv.gz", tmp_path / "truth.parquet"
    words = ["--rows", "2000", "--seed", "4", "--unlabelled-share", "0.5", "--truth", str(truth)]
    assert "2,000 policyholders" in propensity("simulate", "--out", str(out), *words).stdout
    assert len(pd.read_csv(out)) == len(pd.read_parquet(truth)) == 2000


@pytest.mark.slow
def test_run_ends_with_the_summary_and_the_ten_best_leads(demo):
    _, printed = demo
    for name in ("policyholders", "prevalence", "F1", "threshold", "decision", "report", "query"):
        assert any(line.startswith(name) for line in printed.splitlines()), name
    assert "The 10 best leads" in printed


@pytest.mark.slow
def test_the_report_is_where_the_summary_says(demo):
    _, printed = demo
    line = next(line for line in printed.splitlines() if line.startswith("report "))
    page = Path(line.removeprefix("report").strip())
    assert page.name == "night.html"
    assert "Expected buyers" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_leads_come_as_a_table_or_as_csv(demo, tmp_path):
    command_line, _ = demo
    assert "The 3 best leads" in command_line("leads", "--top", "3").stdout
    out = tmp_path / "leads.csv"
    assert "5 leads" in command_line("leads", "--top", "5", "--csv", str(out)).stdout
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    probabilities = [float(row["probability"]) for row in rows]
    assert probabilities == sorted(probabilities, reverse=True)
    assert {row["f1_score"] for row in rows} == {rows[0]["f1_score"]}


@pytest.mark.slow
def test_the_same_night_again_says_so_and_runs_and_models_list_it(demo):
    command_line, _ = demo
    again = command_line("run", "--simulated")
    assert (again.returncode, "nothing to do" in again.stdout) == (0, True)
    assert command_line("runs").stdout.count("published") == 1
    assert command_line("models").stdout.count("promoted") == 1


@pytest.mark.slow
def test_the_card_of_a_model_is_printed_with_its_path(demo):
    command_line, _ = demo
    (folder,) = (command_line.data_dir / "models").iterdir()
    printed = command_line("models", "card", folder.name)
    path, text = printed.stdout.split("\n", 1)
    assert path == str(folder / "card.md")
    assert text.strip() == (folder / "card.md").read_text(encoding="utf-8").strip()
    assert f"# Model card: {folder.name}" in text
    assert (folder / "card.html").is_file()


@pytest.mark.slow
def test_rollback_needs_a_night_before(demo):
    command_line, _ = demo
    refused = command_line("rollback", "--reason", "a try")
    assert (refused.returncode, "No night was published before" in refused.stderr) == (5, True)


@pytest.fixture
def demo_copy(demo, tmp_path):
    """The demo's night, to be changed."""
    shutil.copytree(demo[0].data_dir, tmp_path / "copy")
    return dataclasses.replace(demo[0], data_dir=tmp_path / "copy")


@pytest.mark.slow
def test_calls_are_forecast(demo, tmp_path):
    command_line, _ = demo
    said = command_line("leads", "--calls", "1000").stdout
    number = r"([\d,]+)"
    found = re.search(rf"expect {number} buyers \({number} to {number}\), (\d+)% of the", said)
    expected, low, high, share = (int(n.replace(",", "")) for n in found.groups())
    assert 0 < low < expected < high < 1000
    assert 1000 / 16_000 < share / 100 < 0.5
    out = tmp_path / "calls.csv"
    assert "1,000 leads" in command_line("leads", "--calls", "1000", "--csv", str(out)).stdout
    assert pd.read_csv(out)["probability"].sum() == pytest.approx(expected, abs=0.5)


@pytest.mark.slow
def test_suppressed_leave_the_leads_at_once(demo_copy, tmp_path):
    best = demo_copy("leads", "--csv", str(tmp_path / "before.csv"))
    assert best.returncode == 0
    before = pd.read_csv(tmp_path / "before.csv")
    objection = pd.DataFrame({"policyholder_id": before["policyholder_id"][:1], "reason": "asked"})
    objection.to_csv(tmp_path / "objections.csv", index=False)
    assert (
        "1 suppressions recorded" in demo_copy("suppress", str(tmp_path / "objections.csv")).stdout
    )
    demo_copy("leads", "--csv", str(tmp_path / "after.csv"))
    after = pd.read_csv(tmp_path / "after.csv")
    assert after["policyholder_id"][:9].tolist() == before["policyholder_id"][1:].tolist()


@pytest.mark.slow
def test_nothing_to_drop_after_one_night(demo):
    assert "Nothing to drop" in demo[0]("retention", "--dry-run", "--keep", "1").stdout


@pytest.mark.slow
def test_ctrl_c_stops_soon_and_the_next_run_finds_it(propensity, tmp_path):
    simulate_book(tmp_path / "book.csv", n_rows=20_000, seed=0)
    command = [Path(sys.executable).with_name("propensity"), "run", str(tmp_path / "book.csv")]
    mine = {"PROPENSITY_DATA_DIR": str(propensity.data_dir)}
    told = {"PREFECT_LOGGING_LEVEL": "DEBUG", "PROPENSITY_MODEL_FAMILY": "network"}  # each epoch
    with (tmp_path / "log").open("w+") as log:
        night = subprocess.Popen(
            command, env=os.environ | mine | told, stdout=log, stderr=log, start_new_session=True
        )
        deadline = time.monotonic() + 600
        while "epoch 1/" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
            assert night.poll() is None
            time.sleep(0.2)
        os.killpg(night.pid, signal.SIGINT)  # as a terminal does: Prefect's server gets it too
        assert night.wait(300) == 130
    assert "nothing is published" in propensity("leads").stdout
    assert propensity("runs").stdout.count("published") == 0
