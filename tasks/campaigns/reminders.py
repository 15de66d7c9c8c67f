"""Remind families that were mailed and have not paid: choice, limits, the day's campaign. Nothing is sent here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Connection

from tasks.campaigns import queries
from tasks.campaigns.enqueue import Queue, take_snapshot
from tasks.campaigns.open import as_mailed
from tasks.campaigns.options import AnyTournament, Campaign
from tasks.club import queries as club_queries
from tasks.club.model import Tournament
from tasks.club.players import find_tournament
from tasks.core.club_time import QuietHours, end_of_day, find_zone
from tasks.core.errors import ConfigurationError
from tasks.core.forms import Form
from tasks.core.settings import Settings
from tasks.services import Services

REMINDER = "reminder"
"""The kind of the campaigns that remind; each has the club's date of its day as its sequence."""


class ReminderOptions(Form):
    """As it is, it reminds all who were mailed, have not paid, and whose link has died."""

    # Titles and descriptions, this class's among them, are what the form in the Prefect UI says.

    tournament: AnyTournament = ""
    after_days: Annotated[
        int,
        Field(
            title="Remind after so many days",
            description="Those who were last mailed about a fee at least so long ago, whether their link lives or not.",
            ge=1,
            le=60,
        ),
    ] = 3
    dead_links: Annotated[
        bool,
        Field(
            title="Dead links sooner",
            description="Also those whose mailed link has died before, once REMINDER_GAP_HOURS have passed.",
        ),
    ] = True
    at_most: Annotated[
        int,
        Field(
            title="Never more messages than",
            description="If more would go out for one tournament, it stops before the first one.",
            ge=1,
            le=100_000,
        ),
    ] = 500


@dataclass(frozen=True)
class Obstacle:
    """Why a reminder does not go out now, and from when it may; without `due` it is skipped."""

    reason: str
    due: datetime | None = None


@dataclass(frozen=True)
class ReminderLimits:
    """What no reminder goes beyond: enough time since the last message, so many at most, no night, no deadline.

    `gap` is the time that a mailbox is left alone after any message of ours, of whatever kind and tournament; `most`
    counts a family's reminders for one tournament. The night and the deadline are the tournament's own time zone's,
    or else the club's.
    """

    gap: timedelta
    most: int
    quiet: QuietHours | None
    club_zone: str

    @classmethod
    def of(cls, settings: Settings) -> "ReminderLimits":
        """Read them from the settings."""
        return cls(
            timedelta(hours=settings.reminder_gap_hours),
            settings.reminder_most,
            QuietHours.parse(settings.reminder_quiet_hours),
            settings.club_time_zone,
        )

    def find_obstacle(self, connection: Connection, message_id: int, now: datetime) -> Obstacle | None:
        """Say why this reminder must not go out now; None: it may.

        Whoever sends keeps the mailbox locked (lock_mailbox.sql) from before this until the message's `sending` attempt
        is committed: so two reminders at one moment do not both find that nobody was mailed.
        """
        history = queries.find_reminder_history(connection, message_id=message_id)
        tournament = club_queries.find_tournament(connection, tournament_id=history.tournament_id)
        if self.is_over(tournament, now):
            return Obstacle("deadline_passed")
        if history.reminders >= self.most:
            return Obstacle("reminded_enough")
        if history.mailed_at is not None and history.mailed_at + self.gap > now:
            return Obstacle("mailed_recently")
        quiet = self.quiet and self.quiet.until(now, self._zone(tournament))
        return Obstacle("quiet_hours", quiet) if quiet else None

    def is_over(self, tournament: Tournament, now: datetime) -> bool:
        """Return True if the last day to pay is over: the payment deadline, or else the day of the event."""
        last = tournament.last_day
        return last is not None and end_of_day(last, self._zone(tournament)) <= now

    def today(self, tournament: Tournament, now: datetime) -> str:
        """Return the day's date there: the sequence of its reminder campaign."""
        return now.astimezone(self._zone(tournament)).date().isoformat()

    def _zone(self, tournament: Tournament) -> ZoneInfo:
        return find_zone(tournament.time_zone or self.club_zone)


def tournaments_to_remind(services: Services, options: ReminderOptions) -> Sequence[Tournament]:
    """Return the tournaments whose parents may be reminded: mailed, and neither stopped since nor long over.

    The one that ends first comes first: a mailbox gets one reminder at a time, whatever it is about. One that is only
    just over, somewhere on earth, may be among them: open_reminders goes by its own time zone.

    Raises a ConfigurationError where the one that was chosen is none of them.
    """
    chosen = find_tournament(services.database, options.tournament) if options.tournament else None
    latest = queries.list_latest_campaigns(services.database)
    if chosen is not None and latest.get(chosen.id, "stopped") == "stopped":
        why = "its last campaign was stopped for good" if chosen.id in latest else "nobody was mailed about it yet"
        raise ConfigurationError(f"There is nobody to remind of {chosen.name!r}: {why}. Run tournament-fees first")
    yesterday = services.clock().astimezone(UTC).date() - timedelta(days=1)
    candidates = [chosen] if chosen else club_queries.list_tournaments(services.database)
    going_on = [
        tournament
        for tournament in candidates
        if latest.get(tournament.id, "stopped") != "stopped"
        and (tournament == chosen or (tournament.last_day or date.max) >= yesterday)
    ]
    return sorted(going_on, key=lambda tournament: tournament.last_day or date.max)


def open_reminders(services: Services, tournament_id: int, options: ReminderOptions) -> Campaign | None:
    """Find or make today's reminder campaign of a tournament and queue its messages; None: there is nobody to remind.

    Safe to repeat: the campaign is named for the day in the tournament's time zone, and mails an order once. After a
    restore from a backup nobody knows who was reminded a short while ago, so nobody is for a gap's length. Raises a
    ConfigurationError for a time zone that does not exist, and where today's reminders were stopped.
    """
    tournament = club_queries.find_tournament(services.database, tournament_id=tournament_id)
    limits, now = ReminderLimits.of(services.settings), services.clock()
    if limits.is_over(tournament, now) or queries.list_restores(services.database, since=now - limits.gap):
        return None
    day = limits.today(tournament, now)
    with services.database.transaction() as connection:
        mailed = as_mailed(connection, tournament.id)
        left = _take_snapshot(connection, services, tournament, options, merge=mailed.merges_families)
        if not left and not queries.find_campaign(connection, tournament_id=tournament.id, kind=REMINDER, sequence=day):
            return None
        goes_on = mailed.model_dump(mode="json", include={"shared_mailboxes", "link_kind"})
        campaign = queries.open_campaign(
            connection,
            tournament_id=tournament.id,
            kind=REMINDER,
            sequence=day,
            parameters=json.dumps({**goes_on, **options.model_dump(mode="json")}),
            now=now,
        )
        if campaign.state == "stopped":
            raise ConfigurationError(
                f"Today's reminders of {tournament.name!r} were stopped for good: nothing was sent"
            )
        Queue(connection, campaign.id, REMINDER, services.settings.mail_domain, now).update()
    return Campaign(campaign.id, REMINDER, tournament.id, tournament.name, link_kind=mailed.link_kind)


def _take_snapshot(
    connection: Connection, services: Services, tournament: Tournament, options: ReminderOptions, *, merge: bool
) -> int:
    """Copy whom to remind to where the queue is brought up to date from, and return how many orders that are."""
    taken = take_snapshot(connection, tournament.id, merge=merge)
    left_out = queries.keep_due_in_snapshot(
        connection,
        tournament_id=tournament.id,
        now=services.clock(),
        after_days=options.after_days,
        dead_links=options.dead_links,
        gap_hours=services.settings.reminder_gap_hours,
        most=services.settings.reminder_most,
    )
    return taken.players - left_out
