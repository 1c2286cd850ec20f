"""Prefect tasks: one module per stage, thin wrappers around functions of propensity/.

What lives here
    The eight stages `ingest.py`, `report.py`, `train.py`, `evaluate.py`, `promote.py`, `score.py`,
    `describe.py` and `publish.py`; after them `present.py` and `alert.py`. `compare.py` is for the
    comparison. Shared: `artifacts.py`, `emitting.py`, `progress.py` and `line.py`, the log line
    that each stage ends with.

How to think about it
    A task owns what only Prefect can give: a name in the UI, a retry, an artifact, an event, a
    progress bar. Paths and small frozen records travel between tasks, never frames.

What bites
    Prefect's own artifact functions raise when the server is away: use `artifacts.py`. Prefect's
    result cache is off: `propensity/runtime/checkpoints.py` resumes nights, and it checks files.

Where it meets the rest
    flows/ calls the tasks in order. A stage does not import another stage; import-linter checks it.

When you edit
    A task that owns no log line, artifact, retry or path should not exist: call the function from
    the flow. TensorFlow is imported inside the function that needs it.
"""
