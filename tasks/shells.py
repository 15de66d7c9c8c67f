"""Prefect's view of the steps: thin shells. Only ids, names and counts cross a task boundary."""

from collections import Counter
from typing import Any
from uuid import UUID

from prefect import Task, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run

from tasks import report
from tasks.campaign import Batch, Campaign, CampaignOptions
from tasks.errors import TransientError
from tasks.services import open_services
from tasks.steps import check_ready as ready_step
from tasks.steps import deliver_batch as delivery_step
from tasks.steps import open_campaign as campaign_step
from tasks.steps import plan_batches as planning_step
from tasks.steps import summarize as summary_step


def _is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry what may go better later, and nothing else: a wrong setting stays wrong."""
    return isinstance(state.result(raise_on_failure=False), TransientError)


def _run_id() -> UUID | None:
    run_id = flow_run.get_id()
    return UUID(run_id) if run_id else None


@task(task_run_name="check everything is ready")
def check_ready() -> None:
    """Fail before anything is done where the job could not be finished."""
    with open_services() as services:
        ready_step.check_ready(services)


@task(task_run_name="open the campaign")
def open_campaign(tournament: str, kind: str, options: CampaignOptions) -> Campaign:
    """Queue a message for each mailbox that is owed one."""
    with open_services() as services:
        return campaign_step.open_campaign(services, tournament, kind, options)


@task(task_run_name="plan the batches")
def plan_batches(campaign: Campaign) -> list[Batch]:
    """Cut what is owed into batches, all of it rendered once."""
    with open_services() as services:
        batches = planning_step.plan_batches(services, campaign)
    get_run_logger().info("%d messages are owed", sum(len(batch.message_ids) for batch in batches))
    return batches


@task(task_run_name="{batch}", retries=3, retry_delay_seconds=[10, 60, 300], retry_condition_fn=_is_transient)
def deliver_batch(campaign: Campaign, batch: Batch) -> Counter[str]:
    """Make the links of a batch live, render, send and record."""
    with open_services() as services:
        statuses = delivery_step.deliver_batch(services, campaign, batch, _run_id())
    get_run_logger().info(
        "%s: %s", batch, ", ".join(f"{count} {status}" for status, count in statuses.items()) or "none"
    )
    return statuses


@task(task_run_name="report")
def publish_report(campaign: Campaign) -> summary_step.Summary:
    """Count what the ledger has, and show it as an artifact."""
    with open_services() as services:
        summary = summary_step.summarize(services, campaign, _run_id())
    create_markdown_artifact(key="tournament-fees", markdown=report.markdown(summary), description=campaign.tournament)
    return summary
