"""Artifacts in the Prefect UI: like prefect.artifacts, but a night survives without the server.

Prefect's functions raise if the server is down, and the stage would fail with them: an hour of
training would be lost for a progress bar.
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
"""Retries for lasting artifacts: 14 s. Prefect's own five are half a minute for each artifact."""
PROGRESS_RETRIES = 0
"""No retries, because a bar is out of date at the next epoch."""


def create_markdown_artifact(
    markdown: str, key: str, description: str | None = None
) -> UUID | None:
    """Create a Markdown artifact under a key that keeps its history.

    Returns:
        Id for links; None if the server is down.
    """
    with _go_on_without_server(key):
        return cast(UUID, artifacts.create_markdown_artifact(markdown, key, description))
    return None


def create_table_artifact(
    table: list[dict[str, Any]], key: str, description: str | None = None
) -> None:
    """Create a table artifact under a key that keeps its history."""
    with _go_on_without_server(key):
        artifacts.create_table_artifact(table, key, description)


def create_progress_artifact(
    progress: float, key: str, description: str | None = None
) -> UUID | None:
    """Create a progress artifact.

    Returns:
        Id for updates; None if the server is down.
    """
    with _go_on_without_server(key, PROGRESS_RETRIES):
        return cast(UUID, artifacts.create_progress_artifact(progress, key, description))
    return None


def update_progress_artifact(artifact: UUID | None, progress: float) -> None:
    """Update a progress artifact, in per cent; None is ignored."""
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
        get_run_logger().warning("The Prefect server did not accept %r: %s", key, error)
