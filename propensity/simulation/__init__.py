"""A simulated book of policyholders whose true response probabilities are known.

What lives here
    `facts.py` holds rounded shares of the public table; `tables.py` turns them into lookups;
    `columns.py` draws the columns; `response.py` is the response function; `files.py` writes CSV
    and the truth; `book.py` puts them together.

How to think about it
    An answer key. The best F1 that any model can reach is known, so tests and benchmarks can ask
    whether training finds a planted signal and whether intervals cover the truth.

What bites
    No number reached on it says anything about real policyholders. A seed gives the same book on
    every machine; changing one draw changes every book, and the outputs in docs/ with it.

Where it meets the rest
    `propensity simulate`, the demo of `make run`, tests and benchmarks/. It does not know
    ingest/: the two meet in the CSV file only, as a real export would.

When you edit
    Write the response as a formula in the docstring of `response.py` and keep both in step. Only
    summary figures may be used from the real table, never a row.
"""
