"""The units are what systemd expects, as far as it can tell without starting them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import ROOT

UNITS = sorted((ROOT / "deployments" / "systemd").glob("*.service"))


def verify(unit: Path) -> subprocess.CompletedProcess[str]:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("no systemd-analyze: apt install systemd")
    return subprocess.run([found, "verify", unit], capture_output=True, text=True, check=False)


@pytest.fixture(params=UNITS, ids=lambda path: path.name)
def installed(request, tmp_path) -> Path:
    """The unit with the clone where it is here."""
    text = request.param.read_text(encoding="utf-8").replace("/srv/propensity", str(ROOT))
    path = tmp_path / request.param.name
    path.write_text(text, encoding="utf-8")
    for other in UNITS:  # they name one another
        if other.name != path.name:
            shutil.copy(other, tmp_path)
    return path


def test_systemd_finds_nothing_wrong_with_a_unit(installed):
    ended = verify(installed)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_systemd_would_say_so(installed):
    wrong = installed.read_text(encoding="utf-8").replace("Restart=always", "Restart=sometimes")
    installed.write_text(wrong, encoding="utf-8")
    assert "sometimes" in verify(installed).stderr


def test_every_unit_runs_as_nobody_special_with_the_file_of_secrets():
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        assert "User=propensity" in text
        assert "Environment=PROPENSITY_ENV_FILE=/etc/propensity/propensity.env" in text
        assert "AUTH_STRING" not in text
