"""Take people's data out of our tables once a season is over; what money needs stays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from tasks.campaigns.preview_page import forget_pages
from tasks.club import queries as club_queries
from tasks.club.model import Tournament
from tasks.club.players import find_tournament
from tasks.core.club_time import end_of_day, find_zone
from tasks.core.errors import ConfigurationError
from tasks.operations import queries
from tasks.operations.options import PurgeChoice
from tasks.operations.queries import CampaignToPurge
from tasks.services import Services

SOONEST = timedelta(days=7)
"""After the cut-off day; by then no link lives and slow payments have settled."""

BY_CAMPAIGN = {
    "messages: address, mailbox, family": queries.purge_messages,
    "what was said about the links in messages": queries.purge_details,
    "mail servers' replies": queries.purge_replies,
    "notes beside decisions": queries.purge_notes,
    "mailboxes in approvals": queries.purge_approved,
}
"""What goes with a campaign, and the query that takes it away."""


@dataclass(frozen=True)
class Purge:
    """What goes or has gone, in records of a kind, and which campaigns stay and why."""

    before: date
    records: tuple[tuple[str, int], ...]
    campaigns: int
    kept: tuple[str, ...]
    pages: int = 0
    """Previews' pages that were deleted."""

    @property
    def count(self) -> int:
        """How many records there are in all."""
        return sum(number for _, number in self.records)


@dataclass(frozen=True)
class _Purging:
    """What was taken away, which campaigns for the first time, and the tournaments of which nothing stays."""

    counted: Purge
    anew: Sequence[int]
    gone: Sequence[str]


@dataclass(frozen=True)
class _Season:
    """What is over, and when it had to be."""

    before: date
    at: datetime
    over: Sequence[Tournament]
    undated: Sequence[Tournament]
    deleted: bool
    """Whether campaigns go, too, of tournaments that the club does not have any more."""
    known: frozenset[int]

    def has(self, campaign: CampaignToPurge) -> bool:
        """Return True if a campaign may be one of those that are over."""
        wanted = {tournament.id for tournament in (*self.over, *self.undated)}
        return campaign.tournament_id in wanted or (self.deleted and campaign.tournament_id not in self.known)

    def objection(self, campaign: CampaignToPurge) -> str:
        """Say why a campaign's data stays; nothing where it goes."""
        if campaign.state not in {"done", "stopped"}:
            return "it is not finished: stop it, or let it be sent"
        if campaign.uncertain:
            return f"{campaign.uncertain} messages are uncertain: decide about them in settle-uncertain"
        return "it was worked on since that day" if campaign.changed_at >= self.at and not campaign.purged else ""


def purge_season(services: Services, before: date, choice: PurgeChoice) -> Purge:
    """Take people's data of tournaments that ended before a day out of our tables, or count what would go.

    Amounts, sessions, orders, states and times stay, and so does who is on the suppression list. Safe to repeat. Raises
    ConfigurationError, with nothing done, for a day that is not a week past, for another count than was given, and
    where one tournament is chosen that is not over.
    """
    choice.check()
    season = _season(services, before, choice.tournament)
    if choice.action == "count":
        with services.database.trial() as connection:
            return _purge(connection, services, season).counted
    with services.database.transaction() as connection:
        purging = _purge(connection, services, season)
        purged = purging.counted
        if purged.count != choice.count:
            raise ConfigurationError(
                f"{purged.count} records were found, not {choice.count}: look at them again, nothing was done"
            )
        _keep(connection, purging.anew, by=choice.by.strip(), now=services.clock())
    return replace(purged, pages=forget_pages(services.settings.preview_folder, purging.gone))


def purge_words(purge: Purge, choice: PurgeChoice) -> str:
    """Say in a line what would go or has gone, and what stays for a reason."""
    tense = "would go" if choice.action == "count" else "are gone"
    said = f"{purge.count} records of people from before {purge.before} {tense}, of {purge.campaigns} campaigns more"
    pages = f"; {purge.pages} previews deleted" if purge.pages else ""
    return said + pages + (f"; {len(purge.kept)} campaigns stay" if purge.kept else "")


def _season(services: Services, before: date, chosen: str) -> _Season:
    """Find the tournaments that were over before that day, by the club's clock."""
    zone = find_zone(services.settings.club_time_zone)
    if before > services.clock().astimezone(zone).date() - SOONEST:
        raise ConfigurationError(f"{before} is not a week past: links may live and payments be on their way")
    known = club_queries.list_tournaments(services.database)
    wanted = [find_tournament(services.database, chosen)] if chosen else known
    days = {one.id: max(filter(None, (one.event_date, one.payment_deadline)), default=None) for one in wanted}
    if chosen and (day := days[wanted[0].id]) is not None and day >= before:
        raise ConfigurationError(f"{wanted[0].name!r} was not over before {before}: it ends on {day}")
    return _Season(
        before,
        end_of_day(before - timedelta(days=1), zone),
        [one for one in wanted if (day := days[one.id]) is not None and day < before],
        [one for one in wanted if days[one.id] is None],
        deleted=not chosen,
        known=frozenset(one.id for one in known),
    )


def _purge(connection: Connection, services: Services, season: _Season) -> _Purging:
    """Take the data away."""
    judged = [(row, season.objection(row)) for row in queries.lock_campaigns_to_purge(connection) if season.has(row)]
    going = [row for row, objection in judged if not objection]
    staying = {row.tournament_id for row, objection in judged if objection}
    tournaments = {one.id for one in season.over} | {row.tournament_id for row in going}
    campaign_ids = [row.id for row in going]
    queries.close_purged_campaigns(connection, campaign_ids=campaign_ids, now=services.clock())
    records = _take_away(connection, season, campaign_ids, sorted(tournaments - staying))
    names = {tournament.id: tournament.name for tournament in (*season.over, *season.undated)}
    kept = [
        f"{names.get(row.tournament_id, 'a deleted tournament')}, {row.kind} {row.sequence}: {objection}"
        for row, objection in judged
        if objection
    ]
    anew = [row.id for row in going if not row.purged]
    gone = [name for tournament_id, name in names.items() if tournament_id not in staying]
    return _Purging(Purge(season.before, tuple(records), len(anew), tuple(kept)), anew, gone)


def _take_away(
    connection: Connection, season: _Season, campaign_ids: Sequence[int], tournament_ids: Sequence[int]
) -> list[tuple[str, int]]:
    """Take away what is of these campaigns, and of orders that are of these alone; return how many of a kind."""
    orders = queries.list_orders_to_purge(connection, campaign_ids=campaign_ids, tournament_ids=tournament_ids)
    gone = {words: purge(connection, campaign_ids=campaign_ids) for words, purge in BY_CAMPAIGN.items()}
    gone["delivery reports' words"] = queries.purge_bounces(connection, campaign_ids=campaign_ids, before=season.at)
    gone["names and links asked of Stripe"] = queries.purge_requests(connection, order_ids=orders, before=season.at)
    gone["traces of links that were looked at"] = queries.purge_traces(connection, order_ids=orders)
    if season.deleted:
        gone["addresses that are suppressed no more"] = queries.purge_lifted(connection, before=season.at)
    return list(gone.items())


def _keep(connection: Connection, campaigns: Sequence[int], *, by: str, now: datetime) -> None:
    """Keep who purged which campaign, and when."""
    for campaign_id in campaigns:
        queries.record_action(
            connection,
            action="purge",
            campaign_id=campaign_id,
            message_ids=[None],
            by_whom=by,
            note=None,
            now=now,
        )
