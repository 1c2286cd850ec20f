"""What is done to a Prefect server: automations, and runs whose process is gone.

What lives here
    `automations.py` creates the webhook and the automations; `reconcile.py` ends runs that the
    server believes alive although their process is gone; `processes.py` looks at processes (Linux).

How to think about it
    Setting up describes the desired state and may be repeated: blocks and automations are found
    by name and updated, never added twice.

What bites
    A dead run that the server believes alive holds the concurrency slot, and every later night is
    cancelled. A living run must never be ended: whenever there is doubt, `reconcile.py` leaves it.
    It knows the processes of one machine only.

Where it meets the rest
    `flows/cli/ops.py` calls it, and so does deployments/start before a worker starts. The words of
    notifications are Jinja templates that the server renders from `propensity/events.py`.

When you edit
    Test against a real server. benchmarks/recovery.py kills real processes and measures what
    docs/operations.md says about recovery.
"""
