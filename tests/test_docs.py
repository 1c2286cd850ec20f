"""What the documents say is so: commands exist, output is fresh, nothing is left out."""

import dataclasses
import datetime as dt
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from flows.cli.main import app
from propensity.reference import __main__ as reference
from propensity.reference.exit_codes import list_exit_codes
from propensity.reference.settings import describe_settings
from propensity.settings import NightlyConfig, Settings
from propensity.warehouse.suppression_file import read_suppressions

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deployments/*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def find_outputs(text: str) -> dict[str, str]:
    """Commands in console blocks and what the document says they print."""
    outputs: dict[str, str] = {}
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for command in re.split(r"^ *\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = command.partition("\n")
            outputs[line] = output.strip()
    return outputs


def mask(text: str) -> list[str]:
    """Lines without what differs from machine to machine and from day to day."""
    text = re.sub(r"\d{4}-\d\d-\d\d(-[0-9a-f]{8})?", "DATE", text)
    text = re.sub(r"\d[\d,.]*", "N", text)
    return [re.sub(r"[\s─━]+", " ", line).strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_command_and_file_named_exists(path):
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    commands = {c.name or c.callback.__name__ for c in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    code = " ".join(re.findall(r"`[^`\n]+`|^\$ .*$|^.*\* {2}cd .*$", text, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= targets
    assert set(re.findall(r"\bpropensity ([a-z]+)\b", code)) <= commands
    for script in re.findall(
        r"(?<![\w/])(?:tests|benchmarks|propensity|flows|tasks|docs|deployments)/[\w/.-]+\.\w+",
        text,
    ):
        assert (ROOT / script).exists(), script
    for link, heading in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", text):
        if not link.startswith("http"):
            target = path.parent / link if link else path
            assert target.exists(), link
            assert not heading or heading in find_headings(target), heading


def find_headings(path: Path) -> set[str]:
    """Anchors of a page, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_lists_every_page_once():
    shown = re.findall(r"^\* \[[^\]]+\]\(([^)#]+)\)", read("docs/index.md"), re.MULTILINE)
    pages = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}
    assert {link for link in shown if not link.startswith("..")} == pages - {"index.md"}
    assert len(shown) == len(set(shown))
    assert "docs/index.md" in read("README.md")


def find_commands(text: str, program: str) -> list[str]:
    """What follows the program in code, up to the end of the command."""
    spans = re.findall(r"`([^`\n]+)`", text)
    for block in re.findall(r"^ *```(?:console|sh)?\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
        # a line that ends with a backslash goes on; without $ before a command it is output
        joined = block.replace("\\\n", " ")
        spans += re.findall(r"^ *\$ (.*)$", joined, re.MULTILINE) or joined.splitlines()
    call = re.compile(rf"(?:^|[ /]){program} ([a-z][^|;>&]*)")
    return [found.strip() for span in spans for found in call.findall(span)]


def parse_command(words: list[str]) -> None:
    """Parse as the command line does, and run nothing; a bare name is only spoken of."""
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    context = command.make_context("propensity", words) if words else None
    assert context is None or not hasattr(command, "commands"), f"No such command {words[0]!r}"


@pytest.mark.parametrize(
    "path", [d for d in DOCUMENTS if d.name != "CHANGELOG.md"], ids=lambda p: p.name
)
def test_every_command_shown_parses(path):
    from cyclopts import CycloptsError
    from prefect.cli._app import _app as prefect

    text = path.read_text(encoding="utf-8")
    for line in find_commands(text, "propensity"):
        try:
            parse_command(shlex.split(line))
        except Exception as error:  # noqa: BLE001  (typer brings a click of its own)
            pytest.fail(f"propensity {line}: {error}")
    for line in find_commands(text, "prefect"):
        try:
            prefect.parse_args(shlex.split(line), exit_on_error=False, print_error=False)
        except CycloptsError as error:
            pytest.fail(f"prefect {line}: {error}")
    makefile = read("Makefile")
    for line in find_commands(text, "make"):
        target, *variables = shlex.split(line)
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), line
        for variable in variables:
            assert f"$({variable.partition('=')[0]}" in makefile, line


@pytest.mark.parametrize(
    "line",
    [
        "leads --tops 5",
        "rollback --to 1",
        "models card A B",
        "no-such-command",
        "ops setup --fast",
        "models unknown",
    ],
)
def test_a_command_that_does_not_exist_does_not_parse(line):
    with pytest.raises(Exception, match=r"No such|Missing|unexpected"):
        parse_command(shlex.split(line))


@pytest.mark.slow
def test_the_output_of_make_run_is_fresh(demo):
    command_line, printed = demo
    summary = printed.split("The 10 best leads")[0].replace(str(command_line.data_dir), "data")
    shown = find_outputs(read("README.md"))["make run"]
    assert " ".join(mask(shown)) == " ".join(mask(summary))
    for name in ("policyholders", "prevalence"):  # these do not depend on the machine

        def find(text: str, name: str = name) -> str:
            return next(line.strip() for line in text.splitlines() if line.startswith(name))

        assert find(shown) == find(summary)


@pytest.mark.slow
def test_the_leads_shown_are_fresh(demo):
    command_line, _ = demo
    shown = find_outputs(read("README.md"))[".venv/bin/propensity leads --top 5"]
    assert mask(shown) == mask(command_line("leads", "--top", "5").stdout)


@pytest.mark.slow
def test_the_forecast_shown_is_fresh(demo):
    command_line, _ = demo
    shown = find_outputs(read("README.md"))[".venv/bin/propensity leads --calls 2000"]
    assert mask(shown) == mask(command_line("leads", "--calls", "2000").stdout)


@pytest.mark.slow
def test_the_tutorial_goes_as_it_says(demo, tmp_path):
    first, printed = demo
    shutil.copytree(first.data_dir, tmp_path / "data")  # others look at the demo as it is
    command_line = dataclasses.replace(first, data_dir=tmp_path / "data")
    printed = printed.replace(str(first.data_dir), "data")
    objections = tmp_path / "objections.csv"
    tomorrow = str(dt.datetime.now().astimezone().date() + dt.timedelta(days=1))

    shown = re.findall(r"```console\n(.*?)```", read("docs/tutorial.md"), re.DOTALL)
    steps = [step for block in shown for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert [step.split()[0] for step in steps].count("make") == 3
    assert_begins(printed, steps[0].partition("\n")[2])
    for step in steps[1:]:
        line, _, expected = step.partition("\n")
        line = re.sub(r"^make run(?: ARGS='(.*)')?$", r"propensity run --simulated \1", line)
        words = [tomorrow if re.fullmatch(r"[\d-]{10}", w) else w for w in shlex.split(line)[1:]]
        if "suppress" in words:
            command_line("leads", "--top", "1", "--csv", str(tmp_path / "best.csv"))
            best = (tmp_path / "best.csv").read_text().splitlines()[1].split(",")[0]
            objections.write_text(f"policyholder_id,reason\n{best},objected by letter\n")
            words[-1] = str(objections)
        ran = command_line(*words)
        assert ran.returncode == 0, ran.stderr
        assert_begins(ran.stdout.replace(str(command_line.data_dir), "data"), expected)


def assert_begins(printed: str, shown: str) -> None:
    """How a line is broken depends on the width of the terminal."""
    expected = " ".join(mask(shown))
    assert " ".join(mask(printed))[: len(expected)] == expected


@pytest.fixture
def recipe(demo, tmp_path):
    """A clone that has run the demo, as far as a recipe needs it; runs lines of how-to.md there."""
    first, _ = demo
    shutil.copytree(first.data_dir, tmp_path / "data")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    lines = list(find_outputs(read("docs/how-to.md")))

    def run(begin: str, n_lines: int) -> None:
        at = next(n for n, line in enumerate(lines) if line.startswith(begin))
        for line in lines[at : at + n_lines]:
            subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True, timeout=600)

    return run, dataclasses.replace(first, data_dir=tmp_path / "data")


@pytest.mark.slow
def test_a_night_comes_back_from_the_backup(recipe):
    run, command_line = recipe
    before = command_line("runs").stdout, command_line("leads").stdout
    run("mkdir -p backup", 3)
    shutil.rmtree(command_line.data_dir)
    assert command_line("leads").stdout != before[1]
    run("mkdir -p data", 4)
    assert (command_line("runs").stdout, command_line("leads").stdout) == before
    version = re.search(r"scored by (\S+) as of", before[1])
    assert version is not None
    assert command_line("models", "card", version[1]).returncode == 0
    assert len(list(command_line.data_dir.glob(f"models/{version[1]}/*.keras"))) == 5


@pytest.mark.slow
def test_objections_are_taken_along(recipe, tmp_path):
    run, command_line = recipe
    given = tmp_path / "objections.csv"
    given.write_text("policyholder_id,reason,valid_until\n7,a letter,\n8,phone,2099-12-31\n")
    assert command_line("suppress", str(given)).returncode == 0
    run('.venv/bin/python -c "import pandas', 1)
    assert read_suppressions(tmp_path / "suppressions.csv") == read_suppressions(given)


@pytest.mark.slow
def test_the_balance_shown_is_that_of_the_demo(demo):
    command_line, _ = demo
    page = next(command_line.data_dir.glob("reports/*/class_balance.html")).read_text()
    facts = dict(re.findall(r"<tr><th>(?:<b>)?([^<]+)(?:</b>)?</th><td>(?:<b>)?([^<]+)", page))
    shown = re.findall(r"^\| ([^|]+) \| ([\d.,%]+) \|$", read("README.md"), re.MULTILINE)
    shown = [(name, value) for name, value in shown if name in facts]
    assert len(shown) == 6
    assert all(facts[name] == value for name, value in shown)


def test_what_runs_when_is_told_as_it_is_deployed():
    """The time, the flow, and whether it is once a week or every day."""
    told = re.findall(
        r"^\| `(\w+)/\w+` \| (every|Sundays)[ \w]* at (\d\d):(\d\d) \|",
        read("deployments/README.md"),
        re.MULTILINE,
    )
    found = yaml.safe_load(read("deployments/prefect.yaml"))["deployments"]
    crons = {d["name"]: [s["cron"] for s in d["schedules"]] for d in found}
    assert crons == {
        name: [f"{int(minute)} {int(hour)} * * {'0' if often == 'Sundays' else '*'}"]
        for name, often, hour, minute in told
    }
    assert [name for name, often, *_ in told if often == "Sundays"] == ["compare"]


def test_the_tests_shown_all_passed():
    assert re.search(
        r"^=+ \d+ passed in ", find_outputs(read("README.md"))["make test"], re.MULTILINE
    )


@pytest.mark.parametrize("page", reference.PAGES)
def test_a_generated_page_is_fresh(page):
    assert read(f"docs/{page}.md") == reference.PAGES[page]()


def test_stale_pages_fail_the_check_until_they_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    with pytest.raises(SystemExit, match=r"No page event\. Expected --check, settings, "):
        reference.main(["event"])
    with pytest.raises(SystemExit, match=r"events\.md differs from the code"):
        reference.main(["--check", "events"])
    reference.main(["events"])
    reference.main(["--check", "events"])
    assert [page.name for page in tmp_path.iterdir()] == ["events.md"]
    reference.main([])
    (tmp_path / "tables.md").write_text("stale")
    with pytest.raises(SystemExit, match=r"tables\.md differs from the code"):
        reference.main(["--check"])


def test_the_help_of_the_command_line_has_every_exit_code_but_that_of_ctrl_c():
    assert app.info.help is not None
    helped = {int(n) for n in re.findall(r"\d", app.info.help.partition("Exit codes:")[2])}
    assert helped == {code for code, *_ in list_exit_codes()} - {130}


@pytest.mark.parametrize(
    "row",
    [
        "| `PROPENSITY_DATABASE_URL` | SQLite in the data folder | SQLite or PostgreSQL |",
        "| `PROPENSITY_DEADLINE` | 06:00 | a local time |",
        "| `PROPENSITY_CALL_CAPACITY` | 20000 | 1 or more |",
        "| `PROPENSITY_LEARNING_RATE` | 0.002 | above 0 to 1 |",
        "| `PROPENSITY_PROMOTION_MARGIN` | 0.002 | 0 to below 1 |",
        "| `PROPENSITY_LOG_FORMAT` | `text` | `text`, `json` |",
        "| `PROPENSITY_AS_OF` | today | a date |",
        "| `PROPENSITY_CSV` | none | a path, a glob, or a JSON list of them |",
    ],
)
def test_a_setting_is_described_with_default_and_bounds(row):
    assert row in describe_settings()


def test_every_setting_and_secret_is_described():
    rows = re.findall(r"^\| `PROPENSITY_(\w+)` .*\| (.+) \|$", describe_settings(), re.MULTILINE)
    names = [*Settings.model_fields, *NightlyConfig.model_fields]
    assert [name.lower() for name, _ in rows] == names
    secrets = {name for name, meaning in rows if meaning.endswith("; a secret")}
    assert secrets == {"DATABASE_URL", "WEBHOOK_URL"}
