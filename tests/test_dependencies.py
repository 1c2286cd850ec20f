"""What pyproject.toml declares is what the code imports."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("flows", "tasks", "propensity")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BENCHMARKS = ROOT / "benchmarks"


def find_imports(folders: Iterable[Path]) -> set[str]:
    """First names of everything imported anywhere in the folders, also inside functions."""
    found = set()
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    scripts = {path.stem for path in BENCHMARKS.glob("*.py")}  # they import each other by name
    return found - set(sys.stdlib_module_names) - {*PACKAGES, "tests", "_typeshed"} - scripts


def normalize(requirements: Iterable[str]) -> set[str]:
    """Names of distributions as package indexes compare them."""
    names = (re.split(r"[\[<>=;! ]", line)[0] for line in requirements)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names if name}


def find_undeclared(imports: set[str], declared: set[str]) -> set[str]:
    distributions = packages_distributions()
    return {n for n in imports if not normalize(distributions.get(n, [n])) & declared}


def test_every_import_is_a_declared_dependency():
    imports = find_imports(ROOT / package for package in PACKAGES)
    assert "tensorflow" in imports  # imported inside functions only
    assert not find_undeclared(imports, normalize(PYPROJECT["project"]["dependencies"]))


def test_every_import_of_tests_and_benchmarks_is_a_declared_dependency():
    imports = find_imports([ROOT / "tests", BENCHMARKS])
    declared = normalize(PYPROJECT["project"]["dependencies"])
    declared |= normalize(PYPROJECT["dependency-groups"]["dev"])
    # these may be absent: what is imported is not always called as what is installed
    extra = (BENCHMARKS / "requirements.in").read_text(encoding="utf-8").splitlines()
    declared |= {name.removesuffix("-cpu") for name in normalize(extra)}
    assert not find_undeclared(imports, declared)


def test_every_declared_dependency_is_used():
    used = {"psycopg", "fastapi"}  # SQLAlchemy imports the one; the other bounds what Prefect takes
    distributions = packages_distributions()
    for name in find_imports(ROOT / package for package in PACKAGES):
        used |= normalize(distributions.get(name, []))
    assert normalize(PYPROJECT["project"]["dependencies"]) - used <= {
        "tensorflow",  # the one of two that this platform does not take
        "tensorflow-cpu",
    }
