"""Open a reminder campaign: queue a message for each family that was mailed and has not paid. Nothing is sent here."""

import json
from collections.abc import Sequence
from datetime import UTC, date, timedelta

from sqlalchemy import Connection

from tasks.campaign import Campaign
from tasks.club import Tournament, find_tournament, find_tournament_by_id, known_tournaments
from tasks.database import fetch
from tasks.errors import ConfigurationError
from tasks.opening import as_mailed
from tasks.queue import Queue, take_snapshot
from tasks.reminders import REMINDER, ReminderLimits, ReminderOptions
from tasks.services import Services


def tournaments_to_remind(services: Services, options: ReminderOptions) -> Sequence[Tournament]:
    """Return the tournaments whose parents may be reminded: mailed, and neither stopped since nor long over.

    The one that ends first comes first: a mailbox gets one reminder at a time, whatever it is about. One that is only
    just over, somewhere on earth, may be among them: open_reminders goes by its own time zone.

    Raises a ConfigurationError where the one that was chosen is none of them.
    """
    chosen = find_tournament(services.database, options.tournament) if options.tournament else None
    latest = {row.tournament_id: row.state for row in services.database.fetch("latest_campaigns")}
    if chosen is not None and latest.get(chosen.id, "stopped") == "stopped":
        why = "its last campaign was stopped for good" if chosen.id in latest else "nobody was mailed about it yet"
        raise ConfigurationError(f"There is nobody to remind of {chosen.name!r}: {why}. Run tournament-fees first")
    yesterday = services.clock().astimezone(UTC).date() - timedelta(days=1)
    candidates = [chosen] if chosen else known_tournaments(services.database)
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
    tournament = find_tournament_by_id(services.database, tournament_id)
    limits, now = ReminderLimits.of(services.settings), services.clock()
    gap = timedelta(hours=services.settings.reminder_gap_hours)
    if limits.is_over(tournament, now) or services.database.fetch("restored_since", since=now - gap):
        return None
    key = {"tournament_id": tournament.id, "kind": REMINDER, "sequence": limits.today(tournament, now)}
    with services.database.transaction() as connection:
        mailed = as_mailed(connection, tournament.id)
        left = _take_snapshot(connection, services, tournament, options, merge=mailed.merges_families)
        if not left and not fetch(connection, "campaign_of_day", **key):
            return None
        goes_on = mailed.model_dump(mode="json", include={"shared_mailboxes", "link_kind"})
        parameters = json.dumps({**goes_on, **options.model_dump(mode="json")})
        (campaign,) = fetch(connection, "open_campaign", **key, parameters=parameters, now=now)
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
    (left_out,) = fetch(
        connection,
        "snapshot_remind",
        tournament_id=tournament.id,
        now=services.clock(),
        after_days=options.after_days,
        dead_links=options.dead_links,
        gap_hours=services.settings.reminder_gap_hours,
        most=services.settings.reminder_most,
    )
    return taken.players - int(left_out.orders)
