import pytest

from flows.retention import retention
from propensity.night import reach_warehouse


def test_it_drops_nothing_where_nothing_is_superfluous_and_says_so(
    data_dir, prefect_server, caplog
):
    reach_warehouse()
    assert retention() == []
    assert "14 dates are kept: none" in caplog.text


@pytest.mark.parametrize("n_kept", ["3", "5"])
def test_it_keeps_as_many_nights_as_the_setting_says(
    data_dir, prefect_server, monkeypatch, caplog, n_kept
):
    monkeypatch.setenv("PROPENSITY_KEEP_NIGHTS", n_kept)
    retention()
    assert f"{n_kept} dates are kept" in caplog.text
