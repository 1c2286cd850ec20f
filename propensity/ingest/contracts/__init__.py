"""The contracts: TOML declarations of the tables that the job reads.

What lives here
    insurance.toml, which declares each column of the policyholder table once: name, role, type,
    domain or range, unit and meaning. No Python.

How to think about it
    Everything else is derived: checks, Parquet types, encoder, network inputs, report and slices.
    The digest of the file is part of the identity of a night and is kept with every version.

What bites
    Any change, even of a comment, changes the digest, so the same night counts as a new one. A
    champion trained on other features cannot be judged and is left out of the next contest.

Where it meets the rest
    `ingest/contract.py` loads and checks it. It travels in the wheel as package data.

When you edit
    State unit and meaning of every column: error messages and pages show them.
"""
