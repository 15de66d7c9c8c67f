"""Prefect's view of what a person looks at before anything is sent: previews, tests, and the form of an approval."""

from datetime import timedelta
from typing import Annotated, Literal

from prefect import get_run_logger, suspend_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.input import RunInput
from prefect.runtime import deployment, flow_run
from pydantic import Field

from tasks.campaigns import trial_send
from tasks.campaigns.approvals import Proposal, decide, open_proposals, propose
from tasks.campaigns.options import Campaign, CampaignOptions
from tasks.campaigns.preview import Preview, preview_campaign
from tasks.campaigns.preview_report import approval_question, preview_markdown
from tasks.core.errors import ConfigurationError
from tasks.operations.options import YourName
from tasks.prefect_tasks.task import as_task, required_run_id
from tasks.services import open_services


class Approval(RunInput):
    """What the form asks before anything is sent."""

    decision: Annotated[
        Literal["approve", "reject"],
        Field(title="Decision", description="'approve' sends what is shown, and nothing else. 'reject' sends nothing."),
    ]
    by: YourName
    note: Annotated[str, Field(title="Note", description="Kept beside the decision.", max_length=500)] = ""


@as_task("preview")
def publish_preview(tournament: str, options: CampaignOptions) -> Preview:
    """Show what would be sent: in a page for the operator alone, and masked as an artifact."""
    with open_services() as services:
        preview = preview_campaign(services, tournament, options)
    _publish("preview", preview, options)
    return preview


@as_task("send the test messages")
def send_test(tournament: str, options: CampaignOptions) -> int:
    """Mail a few messages to the address for tests, and return how many."""
    with open_services() as services:
        return trial_send.send_test(services, tournament, options)


def check_can_ask() -> None:
    """Raise a ConfigurationError where this run could not wait for an approval."""
    if not _can_ask():
        raise ConfigurationError(
            "An approval is given in the Prefect UI: start the deployment tournament-fees there, or leave "
            "require_approval off. Nothing was done"
        )


def approve(campaign: Campaign, options: CampaignOptions) -> str:
    """Ask a person to approve what is not covered yet: the run ends here, and begins anew once there is an answer.

    What was answered meanwhile is kept first. Returns who rejected it, as a clause; empty where all may go on. Where a
    run cannot wait, what is not covered stays in the queue, and its report says so.
    """
    rejected = _keep_answers(campaign)
    if rejected:
        return rejected
    proposal = _propose(campaign, options) if _can_ask() else None
    if proposal is not None:
        with open_services() as services:
            patience = timedelta(hours=services.settings.approval_timeout_hours)
            question = approval_question(proposal.preview, services.clock() + patience)
        suspend_flow_run(
            wait_for_input=Approval.with_initial_data(description=question),
            # Not to be met again: Prefect would take the answer to an earlier question for one to this.
            key=f"{_key(proposal.id)}{flow_run.get_run_count()}",
            timeout=max(1, int(patience.total_seconds())),
        )
    return ""


@as_task("ask for an approval")
def _propose(campaign: Campaign, options: CampaignOptions) -> Proposal | None:
    """Show what waits for an approval as an artifact; nothing where nothing does."""
    with open_services() as services:
        proposal = propose(services, campaign, required_run_id(), options.at_most)
    if proposal is not None:
        _publish("approval", proposal.preview, options)
    return proposal


@as_task("keep the decision")
def _keep_answers(campaign: Campaign) -> str:
    """Keep what a person has answered to this run's questions; return who rejected one, as a clause."""
    rejected = ""
    with open_services() as services:
        for proposal_id in open_proposals(services, campaign, required_run_id()):
            answer = _answer(proposal_id)
            if answer is None:
                continue
            approved = answer.decision == "approve"
            messages = decide(services, campaign, proposal_id, approved=approved, by=answer.by, note=answer.note)
            get_run_logger().info("%s: %s messages, by %s", answer.decision, messages, answer.by)
            rejected = "" if approved else f"rejected by {answer.by}" + (f" ({answer.note})" if answer.note else "")
    return rejected


def _answer(proposal_id: int) -> Approval | None:
    """Read the answer to a proposal from Prefect; it stays there, whatever has become of the run since."""
    with get_client(sync_client=True) as client:
        given = client.filter_flow_run_input(
            required_run_id(), f"suspended-{_key(proposal_id)}", limit=100, exclude_keys=set()
        )
    return next((Approval(**one.decoded_value) for one in given if one.key.endswith("-response")), None)


def _key(proposal_id: int) -> str:
    return f"approval-{proposal_id}-"


def _can_ask() -> bool:
    """Return True if this run can wait: Prefect begins only runs of a deployment anew, and none within another."""
    return bool(deployment.get_id()) and not flow_run.get_parent_flow_run_id()


def _publish(key: str, preview: Preview, options: CampaignOptions) -> None:
    create_markdown_artifact(
        key=key, markdown=preview_markdown(preview, options), description=preview.campaign.tournament
    )
