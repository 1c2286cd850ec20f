import threading

import pytest

from propensity.errors import WarehouseAwayError
from propensity.runtime.night import reach_warehouse, rejoin_warehouse
from propensity.warehouse.engine import connect
from propensity.warehouse.schema.migration import is_up_to_date
from tests.conftest import start_postgresql


def test_a_night_under_way_waits_for_a_warehouse_that_restarts(monkeypatch):
    with start_postgresql() as server:
        url = server.get_uri()
        monkeypatch.setenv("PROPENSITY_DATABASE_URL", url)
        engine = reach_warehouse()
        with engine.connect() as lost:  # as the lock of a night is held
            server.stop()
            monkeypatch.setenv("PROPENSITY_WAREHOUSE_PATIENCE", "0")
            with pytest.raises(WarehouseAwayError, match="does not answer"):
                rejoin_warehouse()
            monkeypatch.setenv("PROPENSITY_WAREHOUSE_PATIENCE", "300")
            back = threading.Timer(2, server.start)
            back.start()
            assert is_up_to_date(rejoin_warehouse())
            back.join()
            lost.invalidate()
        connect(url).dispose()
