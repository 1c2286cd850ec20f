"""The SQL warehouse: runs, model versions, publishing, and what readers see.

What lives here
    Connecting: `urls.py`, `engine.py`, `access.py`, `locks.py`. A night's way in: `runs.py`,
    `publication.py`, `pointer.py`, `nights.py`. Models: `model_registry.py`, `promotions.py`.
    People: `suppressions.py`, `suppression_file.py`, `call_list.py`. Reading: `queries.py`.
    Tidying: `retention.py`, `leftovers.py`. Tables are in schema/, the bulk data in scores/.

How to think about it
    Scores are loaded out of sight and audited; then one transaction moves a pointer, and readers
    change from last night to tonight at once. Rolling back is the same move.

What bites
    SQLite and PostgreSQL behave differently: every change is tested on both. Locks end with the
    process that holds them. A URL may hold a password: show `engine.describe`, never the URL.
    Only publishing is retried: it is written so that it can be called again after any failure.

Where it meets the rest
    It takes the scored parts of scoring/ and the decision of evaluation/. Marketing reads the
    views (docs/marketing.md). It does not know monitoring/.

When you edit
    Everything that readers could see half done goes into one transaction. After each failing
    write, a test asserts that nothing changed.
"""
