"""Tell the Prefect server what happened: automations may act on it (flows/automations.py)."""

from prefect.events import emit_event

from propensity.events import NightEvent


def emit(event: NightEvent) -> None:
    """Send an event; a server that is away loses it and the night goes on."""
    resource = {
        "prefect.resource.id": event.resource_id,
        "prefect.resource.name": event.resource_id,
    }
    emit_event(event=event.name, resource=resource, payload=event.payload)
