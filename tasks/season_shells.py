"""Prefect's view of what goes by itself through a season: thin shells. Only ids, names and counts cross them."""

from collections.abc import Sequence
from datetime import date, datetime

from prefect.artifacts import create_markdown_artifact

from tasks.alerts import announce
from tasks.campaign import Campaign
from tasks.choices import PurgeChoice
from tasks.club import Tournament
from tasks.reminders import ReminderOptions
from tasks.report import plain, table
from tasks.services import open_services
from tasks.shells import shell
from tasks.status_report import status_markdown, status_sentence
from tasks.steps import campaign_status as status_step
from tasks.steps import hold_after_restore as holding_step
from tasks.steps import open_reminders as reminding_step
from tasks.steps import purge_season as purging_step


@shell("find tournaments to remind of")
def tournaments_to_remind(options: ReminderOptions) -> Sequence[Tournament]:
    """Find the tournaments whose parents may be reminded."""
    with open_services() as services:
        return reminding_step.tournaments_to_remind(services, options)


@shell("open the reminders")
def open_reminders(tournament_id: int, options: ReminderOptions) -> Campaign | None:
    """Queue a message for each family that was mailed and has not paid."""
    with open_services() as services:
        return reminding_step.open_reminders(services, tournament_id, options)


@shell("hold what may have gone out")
def hold_after_restore(backup_at: datetime, by: str) -> Sequence[str]:
    """Hold what could have gone out after the backup, and return what is to say of it, a sentence each."""
    with open_services() as services:
        held = holding_step.hold_after_restore(services, backup_at, by=by)
        announce(services)
    said = holding_step.held_words(held)
    create_markdown_artifact(key="after-restore", markdown="\n".join(f"- {plain(one)}." for one in said))
    return said


@shell("purge")
def publish_purge(before: date, choice: PurgeChoice) -> str:
    """Take people's data of finished seasons away, or count it; show what that is and return it in a line."""
    with open_services() as services:
        purge = purging_step.purge_season(services, before, choice)
    said = purging_step.purge_words(purge, choice)
    head, kept = ("Records of people", "How many"), [f"- stays: {plain(one)}" for one in purge.kept]
    markdown = "\n\n".join([said, table(head, purge.records), "\n".join(kept)])
    create_markdown_artifact(key="purge-season", markdown=markdown, description=said)
    return said


@shell("count")
def publish_status(tournament: str) -> str:
    """Show how a tournament stands as an artifact, by ids, and return it in a line."""
    with open_services() as services:
        status = status_step.campaign_status(services, tournament)
    said = status_sentence(status)
    create_markdown_artifact(key="campaign-status", markdown=status_markdown(status), description=said)
    return said
