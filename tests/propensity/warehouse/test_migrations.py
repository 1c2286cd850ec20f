from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect

from propensity.errors import WarehouseError
from propensity.warehouse.engine import connect, migrations_folder, open_warehouse
from propensity.warehouse.tables import metadata


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'new folder' / 'warehouse.db'}"


def alembic(engine) -> Config:
    config = Config(attributes={"engine": engine})
    config.set_main_option("script_location", str(migrations_folder))
    return config


def test_migrations_make_what_the_code_expects(url):
    command.check(alembic(open_warehouse(url)))


def test_migrations_go_down_and_up_again(url):
    engine = open_warehouse(url)
    command.downgrade(alembic(engine), "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    assert inspect(engine).get_view_names() == []
    open_warehouse(url)
    assert set(metadata.tables) < set(inspect(engine).get_table_names())
    assert {"current_scores", "leads"} == set(inspect(engine).get_view_names())


def test_a_migration_that_fails_half_way_changes_nothing(url):
    engine = connect(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE promotions (x INT)")  # in the way
    with pytest.raises(WarehouseError, match="promotions"):
        open_warehouse(url)
    assert set(inspect(engine).get_table_names()) <= {"promotions", "alembic_version"}


@pytest.mark.parametrize(
    "url",
    ["postgres//joe:hunter2@host", "postgresql://joe:x@hunter2:y@host:bad/db", "nosql://hunter2"],
)
def test_a_url_that_is_none_is_refused_without_showing_it(url):
    with pytest.raises(WarehouseError, match="PROPENSITY_DATABASE_URL") as refused:
        open_warehouse(url)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "propensity.db").write_text("not a database, only some text" * 100)
    with pytest.raises(WarehouseError, match=r"propensity\.db .*not a database"):
        open_warehouse(f"sqlite:///{tmp_path / 'propensity.db'}")
