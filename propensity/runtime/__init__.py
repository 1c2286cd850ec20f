"""A night under way: what it knows, its locks, checkpoints, facts, alerts and JSON log.

What lives here
    `night.py` opens a night and holds its locks; `checkpoints.py` lets a repeated night take the
    finished stages of an earlier attempt; `fact_collection.py` makes the facts that the warehouse,
    pages, cards and alerts read, records of `night_facts.py` and `book_facts.py`; `alerts.py`
    decides whether F1 or the book shifted enough to send a notification; `json_log.py` formats
    log lines.

How to think about it
    OpenNight is the one record that every stage receives: run, files, settings, contract and the
    warehouse, opened once. A night is identified by its date, the digest of its files and the
    digest of its configuration; each attempt at it is a run of its own. Facts are made once,
    after scoring and before anything is published or drawn.

What bites
    A checkpoint is believed only if the digest of all sources in propensity/ is the same, so
    `checkpoints.py` must digest the whole package, not its own folder. `json_log.py` is named as
    a string in Prefect's logging settings and in deployments/start.

Where it meets the rest
    It joins storage/, ingest/, model/ and the warehouse; tasks/ and flows/ start from it.
    It knows no Prefect: a flow run is an id to it.

When you edit
    Whatever decides the scores has to be part of `NightlyConfig.decisive`, or the work of an
    earlier attempt is reused although something changed. Do not call Settings() here.
"""
