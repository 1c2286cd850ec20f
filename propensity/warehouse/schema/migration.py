"""Check and migrate the schema with Alembic, and write its comments to PostgreSQL."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.schema import SetColumnComment, SetTableComment

from propensity.errors import WarehouseError
from propensity.warehouse.engine import (
    begin_write,
    describe,
    is_postgresql,
)
from propensity.warehouse.locks import wait_for_lock
from propensity.warehouse.schema.tables import metadata
from propensity.warehouse.schema.views import describe_view, view_columns, view_comments

migrations_folder = Path(__file__).parents[1] / "migrations"
READABLE_SINCE = "0002"
"""The first revision whose views propensity.warehouse.queries can read."""
MARKETING = "propensity_marketing"
"""The role from deployments/sql/roles.sql that may only read the views."""


def is_up_to_date(engine: Engine) -> bool:
    """Tell whether the latest migration has been applied."""
    return _find_revision(engine) == ScriptDirectory(str(migrations_folder)).get_current_head()


def _find_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def check_known(engine: Engine) -> str | None:
    """Refuse a schema made by newer software; return the revision of any other schema."""
    migrations = ScriptDirectory(str(migrations_folder))
    known = [migration.revision for migration in migrations.walk_revisions()]
    found = _find_revision(engine)
    if found is not None and found not in known:
        raise WarehouseError(
            f"The warehouse {describe(engine)} has schema {found}, made by newer software",
            expected=f"{known[0]} or earlier",
            todo="Use that software, or restore a backup made before its update",
        )
    return found


def check_readable(engine: Engine) -> None:
    """Refuse a schema made by newer software, or one too old for the current queries."""
    found = check_known(engine)
    if found is None or found < READABLE_SINCE:
        raise WarehouseError(
            f"The warehouse {describe(engine)} has schema {found}, made by older software",
            expected=f"{READABLE_SINCE} or later",
            todo="Run a night (`propensity run`), which upgrades the schema",
        )


def migrate(engine: Engine, revision: str) -> None:
    """Upgrade or downgrade the schema to a revision, in one transaction.

    Args:
        engine: The warehouse.
        revision: Revision to migrate to, `head` or `base`.
    """
    with begin_write(_without_foreign_keys(engine)) as connection:
        wait_for_lock(connection, "migrate")
        config = configure(connection)
        current = MigrationContext.configure(connection).get_current_revision()
        is_down = revision == "base" or (revision != "head" and revision < (current or ""))
        (command.downgrade if is_down else command.upgrade)(config, revision)
        if is_postgresql(engine) and revision == "head":
            _comment(connection)
            _grant(connection)


def configure(connection: Connection) -> Config:
    """Configure Alembic with the folder of the migrations and the connection to use."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations_folder))
    return config


def _without_foreign_keys(engine: Engine) -> Engine:
    """Disable foreign keys: SQLite alters a table by recreating it, which they would forbid."""
    return engine.execution_options(checks_foreign_keys=False)


def _comment(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        connection.execute(SetTableComment(table))
        for column in table.columns:
            connection.execute(SetColumnComment(column))
    for view in view_columns:
        _say(connection, f"VIEW {view}", view_comments[view])
        for name, meaning in describe_view(view).items():
            _say(connection, f"COLUMN {view}.{name}", meaning)


def _say(connection: Connection, what: str, meaning: str) -> None:
    quoted = meaning.replace("'", "''")  # COMMENT takes no parameters
    connection.execute(text(f"COMMENT ON {what} IS '{quoted}'".replace(":", "\\:")))


def _grant(connection: Connection) -> None:
    """Restore the rights that roles.sql granted on views; recreating a view removes them."""
    role = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if connection.execute(role, {"role": MARKETING}).first():
        connection.exec_driver_sql(f"GRANT SELECT ON {', '.join(view_columns)} TO {MARKETING}")
