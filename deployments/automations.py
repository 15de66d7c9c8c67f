"""What Prefect's server does by itself: end runs whose process is lost, and tell people what they have to know."""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from pydantic import SecretStr

from tasks.prefect_tasks.alerts import ALERTS

PREFIX = "tournament-fees: "
ALERT_BLOCK = "tournament-fees-alerts"
HEARTBEAT_SECONDS = 30
MISSED_HEARTBEATS = 4

OUR_RUNS = ResourceSpecification({"prefect.resource.id": "prefect.tag.tournament-fees", "prefect.resource.role": "tag"})


def set_up_automations(client: SyncPrefectClient, alert_url: SecretStr | None) -> None:
    """Make or update each automation, by its name; without an address for alerts there are none, and old ones go."""
    wanted = [lost_runs(), *(alerts(alert_block(alert_url)) if alert_url else [])]
    for automation in wanted:
        _upsert(client, automation)
    names = {automation.name for automation in wanted}
    for old in client.read_automations():
        if old.name.startswith(PREFIX) and old.name not in names:
            client.delete_automation(old.id)


def lost_runs() -> AutomationCore:
    """Call a run crashed that was not heard of for a while: its process and its worker were both lost.

    What it held comes back by itself (leases end), and the next run goes on; but as long as it is called running, it
    takes a place among those that may run at a time. A suspended run has said so, and is not waited for.
    """
    return AutomationCore(
        name=f"{PREFIX}lost runs",
        description="A run whose process and worker were lost is called crashed, so that it takes no place any more.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=OUR_RUNS,
            for_each={"prefect.resource.id"},
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            threshold=1,
            within=timedelta(seconds=HEARTBEAT_SECONDS * MISSED_HEARTBEATS),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message="Its process was lost. What it had not finished is taken up by the next run",
            )
        ],
    )


def alerts(block_id: UUID) -> Sequence[AutomationCore]:
    """Return what people are told of: runs that failed, and what the pipeline itself announces."""
    failed = AutomationCore(
        name=f"{PREFIX}a run failed",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=OUR_RUNS,
            expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.TimedOut"},
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="Tournament fees: {{ flow_run.name }} {{ flow_run.state.name | lower }}",
                body="{{ flow_run.state.message }}\n\n{{ (flow_run | ui_url) or '' }}",
            )
        ],
    )
    announced = [
        AutomationCore(
            name=f"{PREFIX}{alert.title}",
            trigger=EventTrigger(
                posture=Posture.Reactive,
                match=ResourceSpecification({"prefect.resource.id": "tournament-fees.*"}),
                expect={alert.event},
            ),
            actions=[
                SendNotification(
                    block_document_id=block_id,
                    subject=f"Tournament fees: {alert.title}",
                    body=f"{{{{ event.payload.said }}}}\n\n{alert.what_to_do}",
                )
            ],
        )
        for alert in ALERTS
    ]
    return [failed, *announced]


def alert_block(url: SecretStr) -> UUID:
    """Keep where alerts go as a block, in which Prefect hides it, and return the block's id.

    Prefect's server must know the block's class. That for Slack hands any address to Apprise; the plain one for Apprise
    cannot be saved.
    """
    block_id = SlackWebhook(url=url).save(ALERT_BLOCK, overwrite=True)
    return cast("UUID", block_id)  # not awaited, it runs here and now


def _upsert(client: SyncPrefectClient, automation: AutomationCore) -> None:
    """Leave one automation of this name, as it is wanted."""
    there = client.read_automations_by_name(automation.name)
    for one in there[1:]:
        client.delete_automation(one.id)
    if there:
        client.update_automation(there[0].id, automation)
    else:
        client.create_automation(automation)
