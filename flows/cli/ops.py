"""`propensity ops`: set up a Prefect server once, and clear away dead runs after a crash."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.terminal import terminal
from propensity.errors import PropensityError
from propensity.settings import Settings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

SERVER_SECONDS = 60
ops_app = typer.Typer(
    no_args_is_help=True, help="Set up alerts on the Prefect server; clear away dead runs."
)


@ops_app.command()
def setup() -> None:
    """Create or update the automations that send alerts to PROPENSITY_WEBHOOK_URL."""
    settings = Settings()
    if settings.webhook_url is None:
        raise typer.BadParameter("set PROPENSITY_WEBHOOK_URL to where alerts should be sent")
    with _connect() as client:
        from flows.server.automations import set_up_automations

        url = settings.webhook_url.get_secret_value()
        names = set_up_automations(client, url, settings.zombie_seconds)
    terminal.print(f"{len(names)} automations on {_name(client)}:", highlight=False)
    for name in names:
        terminal.print(f"  {name}", highlight=False)


@ops_app.command()
def reconcile(
    retry: Annotated[
        bool, typer.Option("--retry", help="Restart a night that died in the last 12 hours.")
    ] = False,
) -> None:
    """End runs whose process is gone, so that the next night is not refused."""
    with _connect() as client:
        from flows.server.reconcile import reconcile_runs

        _wait_for_server(client)
        found = reconcile_runs(client, Settings(), retry=retry)
    for run in found:
        line = f"{run.name} ({run.flow_run_id}) was {run.was}: {run.outcome}"
        terminal.print(line, highlight=False, markup=False, soft_wrap=True)
    if not found:
        terminal.print("No run is under way.")


def _wait_for_server(client: "SyncPrefectClient") -> None:
    """Wait for the server: after a power cut, server and worker start together."""
    end = time.monotonic() + SERVER_SECONDS
    while client.api_healthcheck() is not None and time.monotonic() < end:
        time.sleep(1)


@contextmanager
def _connect() -> "Iterator[SyncPrefectClient]":
    """Connect to the server that PREFECT_API_URL names; without it Prefect would start its own.

    Raises:
        PropensityError: No server is named, or it does not answer, or it refuses a request.
    """
    todo = "Start it and set PREFECT_API_URL, for example to http://127.0.0.1:4200/api"
    if not os.environ.get("PREFECT_API_URL"):
        raise PropensityError("No Prefect server: PREFECT_API_URL is not set", todo=todo)
    import httpx
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        try:
            yield client
        except httpx.TransportError as error:
            found = f"The server {_name(client)} does not answer: {error}"
            raise PropensityError(found, todo=todo) from None
        except httpx.HTTPStatusError as error:
            raise _explain(client, error.response.status_code) from None


def _explain(client: "SyncPrefectClient", status: int) -> PropensityError:
    if status != HTTPStatus.UNAUTHORIZED:
        todo = "Check its log, and that PREFECT_API_URL ends with /api"
        return PropensityError(f"The server {_name(client)} answers {status}", todo=todo)
    has_password = bool(os.environ.get("PREFECT_API_AUTH_STRING"))
    given = "the password given" if has_password else "a request without a password"
    return PropensityError(
        f"The server {_name(client)} refuses {given} ({status})",
        todo="Set PREFECT_API_AUTH_STRING to the server's PREFECT_SERVER_API_AUTH_STRING, or let"
        " `deployments/start run` set it from propensity.env",
    )


def _name(client: "SyncPrefectClient") -> str:
    """Return the address of the server, without any password in it."""
    return str(client.api_url.copy_with(username=None, password=None))
