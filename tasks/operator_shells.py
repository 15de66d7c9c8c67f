"""Prefect's view of what people decide, and of what comes back: thin shells. Only ids, names and counts cross them."""

from collections.abc import Iterable, Sequence

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from tasks.alerts import announce
from tasks.campaign import Campaign
from tasks.choices import RetryChoice, SettleChoice, StopChoice, SuppressChoice
from tasks.report import plain, table
from tasks.services import open_services
from tasks.shells import shell
from tasks.steps import read_bounces as bounce_step
from tasks.steps import settle_uncertain as settling_step
from tasks.steps import stop_campaign as stopping_step
from tasks.steps import suppress as suppression_step
from tasks.steps import take_up as retry_step


@shell("take up what is due")
def take_up(choice: RetryChoice) -> retry_step.TakenUp:
    """Find what is to be sent, and queue what a person sends again."""
    with open_services() as services:
        taken_up = retry_step.take_up(services, choice)
        announce(services)
        return taken_up


@shell("show what is uncertain")
def publish_evidence(choice: SettleChoice) -> int:
    """Show what is known of the uncertain messages as an artifact, and return how many there are."""
    with open_services() as services:
        evidence = settling_step.show_uncertain(services, choice)
    _publish("uncertain-messages", settling_step.EVIDENCE_HEAD, settling_step.evidence_rows(evidence))
    return len(evidence)


@shell("mark as sent")
def mark_sent(choice: SettleChoice) -> int:
    """Record that uncertain messages were sent, and return how many."""
    with open_services() as services:
        return settling_step.mark_sent(services, choice)


@shell("stop the campaign")
def stop_campaign(tournament: str, campaign: StopChoice, by: str, why: str) -> Campaign:
    """Stop a campaign for good."""
    with open_services() as services:
        return stopping_step.stop_campaign(services, tournament, campaign, by=by, why=why)


@shell("change the suppression list")
def change_suppressions(choice: SuppressChoice) -> int:
    """Suppress or lift, and return how many entries that changed."""
    with open_services() as services:
        return suppression_step.change(services, choice)


@shell("show the suppression list")
def publish_suppressions() -> int:
    """Show who is not mailed as an artifact, addresses masked, and return how many they are."""
    with open_services() as services:
        entries = suppression_step.suppressions(services)
    _publish("suppressions", suppression_step.SUPPRESSED_HEAD, suppression_step.suppressed_rows(entries))
    return len(entries)


@shell("read what came back")
def read_bounces() -> bounce_step.BounceTally:
    """Take in delivery reports; what could not be read is left and named."""
    with open_services() as services:
        tally = bounce_step.read_bounces(services)
    for name in tally.malformed:
        get_run_logger().warning("malformed delivery report left unread: %s", name)
    return tally


def _publish(key: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Show a table as an artifact, its cells as plain text."""
    create_markdown_artifact(key=key, markdown=table(head, [[plain(cell) for cell in row] for row in rows]))
