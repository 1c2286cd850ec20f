"""The wheel in an empty environment, outside a clone: its commands, and a whole night."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("flows", "tasks", "propensity")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources: build/ of a clone may hold modules that are gone."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    # --no-build-isolation: it would download setuptools
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    words = [sys.executable, "-m", "pip", "wheel", str(folder), *options, "--wheel-dir"]
    subprocess.run([*words, str(folder / "dist")], check=True, timeout=120)
    (built,) = (folder / "dist").glob("propensity-*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_the_three_packages_whole_and_nothing_else(wheel):
    sources = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    built = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert built == sources


@pytest.fixture(scope="module")
def run_installed(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program of a new environment that holds the wheel, in an empty folder of its own.

    A .pth file shows it the packages that are installed here, so that nothing is downloaded. The
    editable installation of this clone is another .pth file among them, which is not read.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True)
    here, there = sysconfig.get_path("purelib"), f"{folder}/venv"
    place = sysconfig.get_path("purelib", "venv", {"base": there, "platbase": there})
    Path(place, "dependencies.pth").write_text(f"{here}\n", encoding="utf-8")
    words = [sys.executable, "-m", "pip", "--python", f"{there}/bin/python", "install", "--quiet"]
    subprocess.run(
        [*words, "--no-deps", "--no-index", "--ignore-installed", wheel], check=True, timeout=120
    )
    mine = {"HOME": str(folder), "COLUMNS": "300"}
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"} | mine
    (folder / "empty").mkdir()

    def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [folder / "venv" / "bin" / program, *words],
            env=environment,
            cwd=folder / "empty",
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


@pytest.mark.slow
def test_the_code_that_runs_is_that_of_the_wheel(run_installed):
    code = (
        "import sys, pathlib, flows.nightly, tasks.train, propensity as ours;"
        "packages = [sys.modules[name] for name in ('flows', 'tasks', 'propensity')];"
        "print(all(pathlib.Path(p.__file__).is_relative_to(sys.prefix) for p in packages))"
    )
    done = run_installed("python", "-c", code)
    assert done.stdout == "True\n", done.stderr
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run_installed("propensity", "--version").stdout == f"propensity {version}\n"


@pytest.mark.slow
def test_a_night_runs_outside_a_clone(run_installed):
    # PROPENSITY_MODEL_FAMILY=logistic would make this night quick; the network is what people run
    book = ["--rows", "20000", "--unlabelled-share", "0.3", "--out", "book.csv"]
    simulated = run_installed("propensity", "simulate", *book)
    assert "20,000 policyholders" in simulated.stdout, simulated.stderr
    night = run_installed("propensity", "run", "book.csv")
    assert night.returncode == 0, night.stderr
    assert "The 10 best leads" in night.stdout
    report = next(line for line in night.stdout.splitlines() if line.startswith("report "))
    assert Path(report.removeprefix("report").strip()).name == "night.html"
    assert "The 3 best leads" in run_installed("propensity", "leads", "--top", "3").stdout
