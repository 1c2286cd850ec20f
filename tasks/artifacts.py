"""What a stage shows in the Prefect UI: as prefect.artifacts, but a night does not need the server.

Prefect raises where the server is away, and the stage would fail with it: an hour of training lost
for a progress bar.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

import httpx
from prefect import artifacts, get_run_logger
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

RETRIES = 3
"""Of what stays: 14 s. Prefect's own five are half a minute for each artifact of a night."""
PROGRESS_RETRIES = 0
"""A bar is out of date at the next epoch."""


def create_markdown_artifact(
    markdown: str, key: str, description: str | None = None
) -> UUID | None:
    """Show a text, under a key that keeps its history.

    Returns:
        What a link names; None where the server is away.
    """
    with _go_on_without_server(key):
        return cast(UUID, artifacts.create_markdown_artifact(markdown, key, description))
    return None


def create_table_artifact(
    table: list[dict[str, Any]], key: str, description: str | None = None
) -> None:
    """Show a table, under a key that keeps its history."""
    with _go_on_without_server(key):
        artifacts.create_table_artifact(table, key, description)


def create_progress_artifact(
    progress: float, key: str, description: str | None = None
) -> UUID | None:
    """Show how far a stage is, in per cent.

    Returns:
        What to update; None where the server is away.
    """
    with _go_on_without_server(key, PROGRESS_RETRIES):
        return cast(UUID, artifacts.create_progress_artifact(progress, key, description))
    return None


def update_progress_artifact(artifact: UUID | None, progress: float) -> None:
    """Show how far the stage is now, in per cent."""
    if artifact is not None:
        with _go_on_without_server("progress", PROGRESS_RETRIES):
            artifacts.update_progress_artifact(artifact, progress)


@contextmanager
def _go_on_without_server(key: str, retries: int = RETRIES) -> Iterator[None]:
    try:
        fewer = min(retries, PREFECT_CLIENT_MAX_RETRIES.value())
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: fewer}):
            yield
    except (httpx.TransportError, PrefectHTTPStatusError) as error:
        get_run_logger().warning("The Prefect server does not take %r: %s", key, error)
