"""Emit events to the Prefect server, where flows/server/automations.py may act on them."""

from prefect.events import emit_event

from propensity.events import NightEvent


def emit(event: NightEvent) -> None:
    """Emit an event; if the server is down, the event is lost and the night continues."""
    resource = {
        "prefect.resource.id": event.resource_id,
        "prefect.resource.name": event.resource_id,
    }
    emit_event(event=event.name, resource=resource, payload=event.payload)
