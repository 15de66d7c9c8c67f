"""Reminders: whom a person wants reminded, and the limits that hold for each of them at the moment it goes out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Connection

from tasks.choices import AnyTournament
from tasks.club import Tournament
from tasks.database import fetch
from tasks.form_rules import Form
from tasks.local_time import QuietHours, end_of_day, find_zone
from tasks.settings import Settings

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
class Hold:
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

    def hold(self, connection: Connection, message_id: int, now: datetime) -> Hold | None:
        """Say why this reminder must not go out now; None: it may.

        Whoever sends holds the mailbox (mailbox_lock.sql) from before this until the message's `sending` attempt is
        committed: so two reminders at one moment do not both find that nobody was mailed.
        """
        (row,) = fetch(connection, "reminder_standing", message_id=message_id)
        tournament = Tournament(**fetch(connection, "tournament", tournament_id=row.tournament_id)[0]._asdict())
        if self.is_over(tournament, now):
            return Hold("deadline_passed")
        if row.reminders >= self.most:
            return Hold("reminded_enough")
        if row.mailed_at is not None and row.mailed_at + self.gap > now:
            return Hold("mailed_recently")
        quiet = self.quiet and self.quiet.until(now, self._zone(tournament))
        return Hold("quiet_hours", quiet) if quiet else None

    def is_over(self, tournament: Tournament, now: datetime) -> bool:
        """Say whether the last day to pay is over: the payment deadline, or else the day of the event."""
        last = tournament.last_day
        return last is not None and end_of_day(last, self._zone(tournament)) <= now

    def today(self, tournament: Tournament, now: datetime) -> str:
        """Return the day's date there: the sequence of its reminder campaign."""
        return now.astimezone(self._zone(tournament)).date().isoformat()

    def _zone(self, tournament: Tournament) -> ZoneInfo:
        return find_zone(tournament.time_zone or self.club_zone)
