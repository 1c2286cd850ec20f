import ast
import datetime as dt
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine

import propensity
from propensity.errors import WarehouseAwayError, WarehouseError
from propensity.ingest.contract import load_contract
from propensity.runtime.night import OpenNight, only_one_night
from propensity.settings import NightlyConfig, Settings
from propensity.warehouse.access import open_warehouse
from propensity.warehouse.runs import Night, Run
from propensity.warehouse.schema.migration import is_up_to_date
from tests.conftest import start_patiently, start_postgresql


def open_on(warehouse: Engine, patience: int) -> OpenNight:
    run = Run(1, "a-night", Night(dt.date(2026, 11, 1), "book", "settings"))
    settings = Settings(warehouse_patience=patience)
    return OpenNight(run, (), NightlyConfig(), load_contract(), settings, warehouse)


def test_a_night_under_way_waits_for_a_warehouse_that_restarts():
    with start_postgresql() as server:
        engine = open_warehouse(server.get_uri())
        with engine.connect() as lost:  # as the lock of a night is held
            server.stop()
            with pytest.raises(WarehouseAwayError, match="does not answer"):
                open_on(engine, patience=0).rejoin()
            back = threading.Timer(2, start_patiently, [server])
            back.start()
            assert is_up_to_date(open_on(engine, patience=300).rejoin())
            back.join()
            lost.invalidate()
        engine.dispose()


def test_a_lock_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "night.lock").mkdir()
    refused = pytest.raises(WarehouseError, match=r"night\.lock cannot be written: Is a directory")
    with refused, only_one_night(Settings(data_dir=tmp_path)):
        pass


def test_only_the_entry_points_read_the_settings():
    """Stages get them from the open night: read again in its middle they could be others."""
    root = Path(propensity.__file__).parents[1]
    files = [f for room in ("propensity", "tasks") for f in (root / room).rglob("*.py")]
    calls = (
        (file, node)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )
    found = {
        str(file)
        for file, call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) == "Settings"
    }
    assert len(files) > 100
    assert found == set()
