"""Run migrations on the engine that propensity.warehouse.engine hands over."""

from alembic import context

from propensity.warehouse.tables import metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,  # SQLite too: a migration and its record, or neither
    )
    with context.begin_transaction():
        context.run_migrations()
