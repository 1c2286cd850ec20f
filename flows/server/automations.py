"""What the Prefect server does by itself: it alerts a webhook and ends dead runs.

Setting up again updates the existing blocks and automations, which are found by name. The texts of
the alerts are here, as Jinja templates that the server renders.
"""

import datetime as dt
from typing import cast
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import CallWebhook, ChangeFlowRunState
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.types import SecretDict
from pydantic import SecretStr

from propensity.events import F1Dropped, NightDrifted, NightEvent, NightLate

FLOWS = ["nightly", "compare", "retention", "watchdog"]
WATCHED_FOR_FAILURE = ["nightly", "compare", "retention"]
"""The watchdog is left out: it fails when a night is late, and that has an alert of its own."""
WATCHED_FOR_START = ["nightly", "watchdog"]
"""Nothing else reports that no worker runs these; the other flows can wait."""
WEBHOOK = "propensity-webhook"
ENDED = ["Completed", "Failed", "Cancelled", "Crashed"]
FAILED = (
    "{{ flow_run.name }} is {{ flow_run.state.name }}: {{ flow_run.state.message }}"
    " Readers keep the last published night."
)
WATCHDOG_CRASHED = (
    "The watchdog {{ flow_run.name }} is Crashed: {{ flow_run.state.message }}"
    " The deadline of the night was not checked."
)
NOT_STARTED = (
    "{{ flow.name }}, due {{ flow_run.expected_start_time.strftime('%Y-%m-%d %H:%M') }} UTC, has"
    " not started: no worker picked it up. Check that the worker is running."
)
LATE = (
    "The night of {{ event.payload.as_of }} is late; readers see"
    " {{ event.payload.readers_as_of or 'nothing' }}. {{ event.payload.reason }}"
)
F1_DROPPED = (
    "F1 fell from {{ event.payload.last_f1 | round(4) }} on {{ event.payload.last_as_of }} to"
    " {{ event.payload.f1 | round(4) }} ({{ event.payload.f1_low | round(4) }} to"
    " {{ event.payload.f1_high | round(4) }}) on {{ event.payload.as_of }}; the prevalence is"
    " {{ event.payload.prevalence | round(4) }} and was"
    " {{ event.payload.last_prevalence | round(4) }}."
)
DRIFTED = (
    "{{ event.payload.columns | join(', ') }} shifted strongly since"
    " {{ event.payload.last_as_of }}: the largest stability index is"
    " {{ event.payload.stability_indices[0] }} (large: {{ event.payload.threshold }} or more)."
)


def set_up_automations(
    client: SyncPrefectClient, webhook_url: str, zombie_seconds: int
) -> list[str]:
    """Create or update the webhook block and the automations.

    Args:
        client: Client of the server.
        webhook_url: URL that alerts are sent to.
        zombie_seconds: Seconds without heartbeat after which a run is set to Crashed.

    Returns:
        The names of the automations.
    """
    webhook = Webhook(
        url=SecretStr(webhook_url), headers=SecretDict({"Content-Type": "application/json"})
    )
    block_id = cast(UUID, webhook.save(WEBHOOK, overwrite=True))  # runs synchronously here
    automations = define_automations(block_id, zombie_seconds)
    for automation in automations:
        _replace(client, automation)
    return [automation.name for automation in automations]


def define_automations(webhook_id: UUID, zombie_seconds: int) -> list[AutomationCore]:
    """Return the automations that the server should have."""
    return [
        AutomationCore(
            name="propensity: run failed or crashed",
            description="A night, a comparison or a retention failed or crashed",
            trigger=_when(["Failed", "Crashed"], WATCHED_FOR_FAILURE),
            actions=[_send(webhook_id, "failed", FAILED)],
        ),
        AutomationCore(
            name="propensity: watchdog crashed",
            description="Nobody has checked whether the night is late",
            trigger=_when(["Crashed"], ["watchdog"]),
            actions=[_send(webhook_id, "failed", WATCHDOG_CRASHED)],
        ),
        AutomationCore(
            name="propensity: run not started",
            description="No worker picked up a night or a watchdog that was due",
            trigger=_when(["Late"], WATCHED_FOR_START),
            actions=[_send(webhook_id, "not-started", NOT_STARTED)],
        ),
        _alert(webhook_id, "night late", NightLate, LATE),
        _alert(webhook_id, "F1 dropped", F1Dropped, F1_DROPPED),
        _alert(webhook_id, "drift", NightDrifted, DRIFTED),
        _define_zombies(zombie_seconds),
    ]


def _when(states: list[str], flows: list[str]) -> EventTrigger:
    return EventTrigger(
        posture=Posture.Reactive,
        expect={f"prefect.flow-run.{state}" for state in states},
        match=_spec({"prefect.resource.id": "prefect.flow-run.*"}),
        match_related=_of_flows(flows),
        threshold=1,
    )


def _alert(webhook_id: UUID, what: str, event: type[NightEvent], text: str) -> AutomationCore:
    trigger = EventTrigger(
        posture=Posture.Reactive,
        expect={event.name},
        match=_spec({"prefect.resource.id": "propensity.night.*"}),
        threshold=1,
    )
    name = event.name.rpartition(".")[2]
    description = (event.__doc__ or "").partition("\n")[0]
    return AutomationCore(
        name=f"propensity: {what}",
        description=description,
        trigger=trigger,
        actions=[_send(webhook_id, name, text)],
    )


def _define_zombies(seconds: int) -> AutomationCore:
    """End runs whose process died without a report: nothing else would, and they hold a slot."""
    trigger = EventTrigger(
        posture=Posture.Proactive,
        after={"prefect.flow-run.heartbeat"},
        expect={f"prefect.flow-run.{state}" for state in ["heartbeat", *ENDED]},
        for_each={"prefect.resource.id"},
        match=_spec({"prefect.resource.id": "prefect.flow-run.*"}),
        match_related=_of_flows(FLOWS),
        threshold=1,
        within=dt.timedelta(seconds=seconds),
    )
    # Without force, a run that has ended in the meantime keeps its state.
    crash = ChangeFlowRunState(state="CRASHED", message=f"No heartbeat for {seconds} s")
    return AutomationCore(
        name="propensity: dead run to Crashed",
        description="A run whose process died without a report",
        trigger=trigger,
        actions=[crash],
    )


def _send(webhook_id: UUID, alert: str, text: str) -> CallWebhook:
    """Send JSON; tojson escapes whatever the messages contain."""
    payload = (
        f"{{% set text %}}{text}{{% endset %}}"
        f'{{"alert": "{alert}", "text": {{{{ text | string | tojson }}}},'
        ' "link": {{ flow_run | ui_url | tojson }}, "event_id": {{ event.id | string | tojson }}}'
    )
    return CallWebhook(block_document_id=webhook_id, payload=payload)


def _of_flows(names: list[str]) -> ResourceSpecification:
    return _spec({"prefect.resource.role": "flow", "prefect.resource.name": names})


def _spec(labels: dict[str, str | list[str]]) -> ResourceSpecification:
    return ResourceSpecification(root=labels)


def _replace(client: SyncPrefectClient, automation: AutomationCore) -> None:
    """Update the oldest automation of this name, or create it; delete others of the same name.

    An automation that is up to date is left alone: an update makes the server forget which
    heartbeats it waits for. An automation that somebody has switched off stays off.
    """
    found = _find(client, automation.name)
    if not found:
        client.create_automation(automation)
        return
    mine, *surplus = found
    wanted = automation.model_copy(update={"enabled": mine.enabled})
    if AutomationCore.model_validate(mine.model_dump(exclude={"id"})) != wanted:
        client.update_automation(mine.id, wanted)
    for other in surplus:
        client.delete_automation(other.id)


def _find(client: SyncPrefectClient, name: str) -> list[Automation]:
    """Return automations of a name, oldest first; the client's own method sorts by last change."""
    asked = {"sort": "CREATED_DESC", "automations": {"name": {"any_": [name]}}}
    answer = client.request("POST", "/automations/filter", json=asked).raise_for_status()
    return Automation.model_validate_list(answer.json())[::-1]
