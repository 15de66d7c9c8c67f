"""Prefect's view of a campaign's steps: thin task wrappers. Only ids, names and counts cross a task boundary."""

from collections import Counter
from collections.abc import Sequence

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from tasks.campaigns import batches as campaign_batches
from tasks.campaigns import open as campaign_opening
from tasks.campaigns import reminders, report
from tasks.campaigns.options import Batch, Campaign, CampaignOptions
from tasks.campaigns.reminders import ReminderOptions
from tasks.campaigns.summary import Summary, summarize
from tasks.club.model import Tournament
from tasks.delivery import deliver_batch as delivery
from tasks.operations import health_checks
from tasks.prefect_tasks.alerts import announce
from tasks.prefect_tasks.cancellation import is_cancelled
from tasks.prefect_tasks.task import as_batch_task, as_task, run_id
from tasks.refresh import sweep as sweeping
from tasks.services import open_services


@as_task("check that everything is ready")
def check_ready() -> None:
    """Fail before anything is done where the job could not be finished."""
    with open_services() as services:
        health_checks.check_ready(services)


@as_task("open the campaign")
def open_campaign(tournament: str, options: CampaignOptions, *, require_approval: bool = False) -> Campaign:
    """Queue a message for each mailbox that is owed one."""
    with open_services() as services:
        return campaign_opening.open_campaign(
            services, tournament, options.kind, options, require_approval=require_approval
        )


@as_task("find tournaments to remind of")
def tournaments_to_remind(options: ReminderOptions) -> Sequence[Tournament]:
    """Find the tournaments whose parents may be reminded."""
    with open_services() as services:
        return reminders.tournaments_to_remind(services, options)


@as_task("open the reminders")
def open_reminders(tournament_id: int, options: ReminderOptions) -> Campaign | None:
    """Queue a message for each family that was mailed and has not paid."""
    with open_services() as services:
        return reminders.open_reminders(services, tournament_id, options)


@as_task("sweep Stripe's lists")
def sweep(campaign: Campaign) -> None:
    """Learn what became of sessions that the orders do not show."""
    with open_services() as services:
        outcomes = sweeping.sweep(services, campaign)
    if outcomes:
        said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        get_run_logger().info("Stripe's lists show more of some orders than they say; they are now: %s", said)


@as_task("plan the batches")
def plan_batches(campaign: Campaign, at_most: int) -> list[Batch]:
    """Cut what is owed into batches, all of it rendered once."""
    with open_services() as services:
        batches = campaign_batches.plan_batches(services, campaign, at_most, get_run_logger().warning)
    get_run_logger().info("%d messages to look at", sum(len(batch.message_ids) for batch in batches))
    return batches


@as_batch_task
def deliver_batch(campaign: Campaign, batch: Batch) -> Counter[str]:
    """Make the links of a batch live, render, send and record."""
    with open_services() as services:
        statuses = delivery.deliver_batch(services, campaign, batch, run_id(), is_cancelled)
    get_run_logger().info("%s: %s", batch, ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())))
    return statuses


@as_task("report")
def publish_report(campaign: Campaign) -> Summary:
    """Count what the ledger has, and show it as an artifact."""
    with open_services() as services:
        summary = summarize(services, campaign, run_id())
        announce(services)
    for problem in summary.problems:
        get_run_logger().warning("%s", report.problem_line(problem))
    create_markdown_artifact(key="tournament-fees", markdown=report.markdown(summary), description=campaign.tournament)
    return summary
