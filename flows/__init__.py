"""The order of a night and what happens when it fails: Prefect flows and the command line.

What lives here
    `nightly.py` is the job; `compare.py`, `backfill.py`, `retention.py` and `watchdog.py` are the
    other flows; `signals.py` makes termination reliable. cli/ has every command, server/ what is
    done to a Prefect server.

How to think about it
    A flow body reads like the sentence that describes it. It decides on order and policy; tasks/
    wraps a stage for Prefect and propensity/ does the work.

What bites
    A flow must not depend on the server: artifacts and events are lost without one, scores are
    not. After a crash or a cancellation the hook that records it runs in another process.

Where it meets the rest
    It imports tasks and propensity; nothing imports it. deployments/prefect.yaml names the flows
    by path, pyproject.toml the command by `flows.cli.main`.

When you edit
    Keep the body of `nightly.py` at about 30 lines. Anything that computes belongs in
    propensity/; anything that logs, retries or shows progress belongs in tasks/.
"""
