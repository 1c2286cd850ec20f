"""The tables and views of the warehouse, and the migrations that create them.

What lives here
    `tables.py` gathers `run_tables.py`, `model_tables.py` and `score_tables.py`; `columns.py` has
    what they share; `views.py` describes view columns; `migration.py` runs Alembic on the
    versions in warehouse/migrations/.

How to think about it
    The comment of a column is its only description: PostgreSQL comments and docs/tables.md are
    made of it. Migrations make the tables; a test holds both against each other.

What bites
    The views are SQL text in the migrations, because a later migration must not change an earlier
    one. A schema made by newer software is refused. Tables of single runs are not Alembic's:
    `warehouse/scores/table_lifecycle.py` creates and drops them.

Where it meets the rest
    The other warehouse modules import their tables from `tables.py`; reference/ prints the page.

When you edit
    Never change a released migration. CONTRIBUTING.md has the recipe; upgrade and downgrade are
    tested with data on both databases.
"""
