"""What the documents say is so: commands exist, output is fresh, nothing is left out."""

import re
from pathlib import Path

import pytest

from propensity.cli import app
from propensity.settings import NightlyConfig, Settings
from propensity.warehouse.describe import describe_warehouse

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deployments/*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def find_outputs(text: str) -> dict[str, str]:
    """Commands in console blocks and what the document says they print."""
    outputs: dict[str, str] = {}
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
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
    import flows.cli  # noqa: F401  (registers `run`)

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
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("http") or (path.parent / link).exists(), link


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
def test_the_balance_shown_is_that_of_the_demo(demo):
    command_line, _ = demo
    page = next(command_line.data_dir.glob("reports/*/class_balance.html")).read_text()
    facts = dict(re.findall(r"<tr><th>(?:<b>)?([^<]+)(?:</b>)?</th><td>(?:<b>)?([^<]+)", page))
    shown = re.findall(r"^\| ([^|]+) \| ([\d.,%]+) \|$", read("README.md"), re.MULTILINE)
    shown = [(name, value) for name, value in shown if name in facts]
    assert len(shown) == 6
    assert all(facts[name] == value for name, value in shown)


def test_the_tests_shown_all_passed():
    assert re.search(
        r"^=+ \d+ passed in ", find_outputs(read("README.md"))["make test"], re.MULTILINE
    )


def test_tables_are_described_as_they_are():
    assert read("docs/tables.md") == describe_warehouse()


def test_every_setting_is_described_with_its_default():
    text = read("docs/settings.md")
    rows = dict(re.findall(r"^\| `PROPENSITY_(\w+)` \| ([^|]+) \|", text, re.MULTILINE))
    fields = {**Settings.model_fields, **NightlyConfig.model_fields}
    assert {name.lower() for name in rows} == set(fields)
    for name, field in fields.items():
        if isinstance(field.default, int | float):
            assert rows[name.upper()].lower() == str(field.default).lower(), name
