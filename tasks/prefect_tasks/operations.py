"""Prefect's view of what people decide and of what comes back: thin task wrappers. Only ids, names and counts cross."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from tasks.campaigns.options import Campaign
from tasks.campaigns.report import plain, table
from tasks.operations import bounces, purge, restore, retry, status, stop, suppress, uncertain
from tasks.operations.options import PurgeChoice, RetryChoice, SettleChoice, StopChoice, SuppressChoice
from tasks.operations.status_report import status_markdown, status_sentence
from tasks.prefect_tasks.alerts import announce
from tasks.prefect_tasks.task import as_task
from tasks.services import open_services


@as_task("count")
def publish_status(tournament: str) -> str:
    """Show how a tournament stands as an artifact, by ids, and return it in a line."""
    with open_services() as services:
        found = status.campaign_status(services, tournament)
    said = status_sentence(found)
    create_markdown_artifact(key="campaign-status", markdown=status_markdown(found), description=said)
    return said


@as_task("find what is due")
def retry_messages(choice: RetryChoice) -> retry.Retried:
    """Find what is to be sent, and queue what a person sends again."""
    with open_services() as services:
        retried = retry.retry_messages(services, choice)
        announce(services)
        return retried


@as_task("show what is uncertain")
def publish_evidence(choice: SettleChoice) -> int:
    """Show what is known of the uncertain messages as an artifact, and return how many there are."""
    with open_services() as services:
        evidence = uncertain.show_uncertain(services, choice)
    _publish("uncertain-messages", uncertain.EVIDENCE_HEAD, uncertain.evidence_rows(evidence))
    return len(evidence)


@as_task("mark as sent")
def mark_sent(choice: SettleChoice) -> int:
    """Record that uncertain messages were sent, and return how many."""
    with open_services() as services:
        return uncertain.mark_sent(services, choice)


@as_task("stop the campaign")
def stop_campaign(tournament: str, campaign: StopChoice, by: str, why: str) -> Campaign:
    """Stop a campaign for good."""
    with open_services() as services:
        return stop.stop_campaign(services, tournament, campaign, by=by, why=why)


@as_task("read what came back")
def read_bounces() -> bounces.BounceTally:
    """Take in delivery reports; what could not be read is left and named."""
    with open_services() as services:
        tally = bounces.read_bounces(services)
    for name in tally.malformed:
        get_run_logger().warning("malformed delivery report left unread: %s", name)
    return tally


@as_task("change the suppression list")
def change_suppressions(choice: SuppressChoice) -> int:
    """Suppress or lift, and return how many entries that changed."""
    with open_services() as services:
        return suppress.change(services, choice)


@as_task("show the suppression list")
def publish_suppressions() -> int:
    """Show who is not mailed as an artifact, addresses masked, and return how many they are."""
    with open_services() as services:
        entries = suppress.suppressions(services)
    _publish("suppressions", suppress.SUPPRESSED_HEAD, suppress.suppressed_rows(entries))
    return len(entries)


@as_task("hold what may have gone out")
def hold_after_restore(backup_at: datetime, by: str) -> Sequence[str]:
    """Hold what could have gone out after the backup, and return what is to say of it, a sentence each."""
    with open_services() as services:
        held = restore.hold_after_restore(services, backup_at, by=by)
        announce(services)
    said = restore.held_words(held)
    create_markdown_artifact(key="after-restore", markdown="\n".join(f"- {plain(one)}." for one in said))
    return said


@as_task("purge")
def publish_purge(before: date, choice: PurgeChoice) -> str:
    """Take people's data of finished seasons away, or count it; show what that is and return it in a line."""
    with open_services() as services:
        purged = purge.purge_season(services, before, choice)
    said = purge.purge_words(purged, choice)
    head, kept = ("Records of people", "How many"), [f"- stays: {plain(one)}" for one in purged.kept]
    markdown = "\n\n".join([said, table(head, purged.records), "\n".join(kept)])
    create_markdown_artifact(key="purge-season", markdown=markdown, description=said)
    return said


def _publish(key: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Show a table as an artifact, its cells as plain text."""
    create_markdown_artifact(key=key, markdown=table(head, [[plain(cell) for cell in row] for row in rows]))
