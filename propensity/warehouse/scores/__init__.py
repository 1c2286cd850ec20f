"""The scores of one run: its own table, loaded in bulk and audited before anyone reads it.

What lives here
    `table_lifecycle.py` creates, indexes, attaches and drops the table of a run, by
    `partitions.py` on PostgreSQL and `joined_view.py` on SQLite. `bulk_load.py` fills it, on
    SQLite through `sqlite_loader.py`. `audit.py` and `checksum.py` compare it with the Parquet
    parts.

How to think about it
    One table per run behind one name, policyholder_scores. Publishing attaches a table; dropping
    a night drops a table.

What bites
    On PostgreSQL a reader may have planned its statement before the partition was attached, so
    attaching waits for such readers before the pointer moves. ADBC brings a second copy of
    SQLite, and two copies in one process can damage the database: the loader is a process of its
    own, started by module name.

Where it meets the rest
    `warehouse/publication.py` drives it; `warehouse/retention.py` drops through it. The columns
    are those of `warehouse/schema/score_tables.py` and `scoring/records.py`.

When you edit
    Measure with benchmarks/publish.py on both databases. docs/decisions/0006-warehouse.md records
    why it is built like this and what was measured.
"""
