import datetime as dt
import os

import pytest

from flows.retention import retention
from propensity.runtime.night import only_one_night
from propensity.settings import Settings
from propensity.warehouse.access import open_warehouse


def test_it_drops_nothing_where_nothing_is_superfluous_and_says_so(
    data_dir, prefect_server, caplog
):
    open_warehouse(Settings().warehouse_url)
    assert retention() == []
    assert "(14 dates are kept): none" in caplog.text


@pytest.mark.parametrize("n_kept", ["3", "5"])
def test_it_keeps_as_many_nights_as_the_setting_says(
    data_dir, prefect_server, monkeypatch, caplog, n_kept
):
    monkeypatch.setenv("PROPENSITY_KEEP_NIGHTS", n_kept)
    retention()
    assert f"{n_kept} dates are kept" in caplog.text


@pytest.fixture
def never_finished(data_dir):
    path = data_dir / "reports" / "a-night" / "night.html.unfinished"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    long_ago = (dt.datetime.now(dt.UTC) - dt.timedelta(days=8)).timestamp()
    os.utime(path, (long_ago, long_ago))
    return path


def test_it_removes_what_is_left_over_and_says_so(never_finished, prefect_server, caplog):
    retention()
    assert not never_finished.exists()
    assert f"Files removed, 4 bytes: {never_finished}" in caplog.text


def test_while_a_night_is_under_way_files_stay_and_it_does_not_fail(
    never_finished, prefect_server, caplog
):
    with only_one_night(Settings()):
        retention()
    assert never_finished.exists()
    assert "No files removed until the next retention run: Another night is running" in caplog.text


def test_a_dry_run_lists_files_and_only_the_other_removes_them(propensity, never_finished):
    open_warehouse(Settings().warehouse_url)
    listed = propensity("retention", "--dry-run").stdout
    assert "Files that would be removed" in listed
    assert str(never_finished) in listed
    assert never_finished.exists()
    assert "Files removed" in propensity("retention").stdout
    assert not never_finished.exists()
    assert "Nothing to drop." in propensity("retention").stdout
