"""Open a campaign: bring its queue up to date with the club's committed players. Nothing is sent here."""

import json
from datetime import datetime

from sqlalchemy import Connection

from tasks.campaign import Campaign, CampaignOptions
from tasks.club import Tournament, find_tournament
from tasks.database import fetch
from tasks.errors import ConfigurationError
from tasks.queue import Queue, take_snapshot
from tasks.services import Services


def open_campaign(services: Services, tournament_name: str, kind: str, options: CampaignOptions) -> Campaign:
    """Find or make the campaign and queue a message for each mailbox that is owed one; safe to repeat.

    A message that was sent is never touched. Raises ConfigurationError for an unknown or empty tournament, and for a
    campaign that a person has stopped.
    """
    tournament = find_tournament(services.database, tournament_name)
    now = services.clock()
    with services.database.transaction() as connection:
        campaign_id = _open(connection, tournament, kind, options, now)
        snapshot = take_snapshot(connection, tournament.id, merge=options.merges_families)
        if not snapshot.players:
            raise ConfigurationError(
                f"{tournament.name!r} has no committed players: check tournament_products and the players' commitment"
            )
        Queue(connection, campaign_id, kind, services.settings.mail_domain, now).update()
    return Campaign(campaign_id, kind, tournament.id, tournament.name, snapshot.without_order)


def _open(connection: Connection, tournament: Tournament, kind: str, options: CampaignOptions, now: datetime) -> int:
    parameters = json.dumps(options.model_dump(mode="json"))
    (campaign,) = fetch(
        connection,
        "open_campaign",
        tournament_id=tournament.id,
        kind=kind,
        sequence=str(options.sequence),
        parameters=parameters,
        now=now,
    )
    if campaign.state == "stopped":
        raise ConfigurationError(
            f"The {kind} campaign {options.sequence} of {tournament.name!r} was stopped for good: start another one"
        )
    return int(campaign.id)
