"""Open a campaign: find or make it, and bring its queue up to date, in a transaction or in the caller's own."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tasks.campaigns import queries
from tasks.campaigns.enqueue import Queue, take_snapshot
from tasks.campaigns.options import Campaign, CampaignOptions
from tasks.campaigns.recipients import RecipientFilter
from tasks.club.model import Tournament
from tasks.club.players import find_tournament
from tasks.core.errors import ConfigurationError
from tasks.services import Services


def open_campaign(
    services: Services, tournament_name: str, kind: str, options: CampaignOptions, *, require_approval: bool = False
) -> Campaign:
    """Find or make the campaign and queue a message for each mailbox that is owed one; safe to repeat.

    A message that was sent is never touched; a campaign that once required an approval goes on doing so. Raises
    ConfigurationError for an unknown tournament, and as open_in does.
    """
    tournament = find_tournament(services.database, tournament_name)
    with services.database.transaction() as connection:
        return open_in(connection, services, tournament, kind, options, require_approval=require_approval)


def open_in(
    connection: Connection,
    services: Services,
    tournament: Tournament,
    kind: str,
    options: CampaignOptions,
    *,
    require_approval: bool,
) -> Campaign:
    """Do what open_campaign does, in a transaction that the caller commits, or takes back to see what would come of it.

    Raises ConfigurationError for a tournament without committed players, for a choice that matches nobody, for another
    kind of link than the campaign has mailed, and for a campaign that a person has stopped.
    """
    now = services.clock()
    campaign_id = _open(connection, tournament, kind, options, now)
    if require_approval:
        queries.require_approval(connection, campaign_id=campaign_id)
    recipients = RecipientFilter(options)
    snapshot = take_snapshot(connection, tournament.id, merge=options.merges_families, recipients=recipients)
    if not snapshot.players:
        raise ConfigurationError(
            f"{tournament.name!r} has no committed players: check tournament_products and the players' commitment"
        )
    recipients.check(tournament.name)
    Queue(connection, campaign_id, kind, services.settings.mail_domain, now).update()
    return Campaign(
        campaign_id,
        kind,
        tournament.id,
        tournament.name,
        snapshot.without_order,
        left_out=recipients.left_out,
        link_kind=options.link_kind,
        note=options.note,
    )


def _open(connection: Connection, tournament: Tournament, kind: str, options: CampaignOptions, now: datetime) -> int:
    """Find or make the campaign's row, locked until the transaction ends, and return its id."""
    sequence = str(options.sequence)
    before = queries.lock_mailed_link_kind(connection, tournament_id=tournament.id, kind=kind, sequence=sequence)
    if before not in {None, options.link_kind}:
        raise ConfigurationError(
            f"The {kind} campaign {options.sequence} of {tournament.name!r} has mailed links of the kind {before}; "
            f"to mail {options.link_kind} would close those. Choose {before} again, or start another campaign"
        )
    campaign = queries.open_campaign(
        connection,
        tournament_id=tournament.id,
        kind=kind,
        sequence=sequence,
        parameters=json.dumps(options.model_dump(mode="json", exclude={"test_address"})),
        now=now,
    )
    if campaign.state == "stopped":
        raise ConfigurationError(
            f"The {kind} campaign {options.sequence} of {tournament.name!r} was stopped for good: start another one"
        )
    return campaign.id


def as_mailed(connection: Connection, tournament_id: int) -> CampaignOptions:
    """Return what was chosen when a tournament's parents were last mailed: the kind of link, and for shared mailboxes.

    Whatever mails them again goes on with that: a link of another kind would close the one that they have.
    """
    chosen = queries.find_mailed_options(connection, tournament_id=tournament_id) or {}
    goes_on: dict[str, Any] = {name: chosen[name] for name in ("shared_mailboxes", "link_kind") if name in chosen}
    return CampaignOptions.model_construct(**goes_on)
