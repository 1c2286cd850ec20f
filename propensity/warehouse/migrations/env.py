"""Run migrations on the connection that propensity.warehouse.schema.migration passes in."""

from typing import Any

from alembic import context

from propensity.warehouse.schema.tables import metadata
from propensity.warehouse.scores.run_tables import is_made_by_migrations

connection = context.config.attributes["connection"]


def include_object(_: Any, name: str | None, kind: str, *__: Any) -> bool:
    return kind != "table" or is_made_by_migrations(str(name), connection.dialect.name)


context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,  # on SQLite too: commit a migration together with its record
    include_object=include_object,
)
with context.begin_transaction():
    context.run_migrations()
