"""Tell the Prefect server what happened: flows/server/automations.py may act on it."""

from prefect.events import emit_event

from propensity.events import NightEvent


def emit(event: NightEvent) -> None:
    """Send an event; a server that is away loses it and the night goes on."""
    resource = {
        "prefect.resource.id": event.resource_id,
        "prefect.resource.name": event.resource_id,
    }
    emit_event(event=event.name, resource=resource, payload=event.payload)
