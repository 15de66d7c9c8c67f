"""Open a campaign: bring its queue up to date with the club's committed players. Nothing is sent here."""

import json
from collections import Counter
from datetime import datetime

from sqlalchemy import Connection

from tasks.campaign import Campaign, CampaignOptions
from tasks.club import CommittedPlayer, Tournament, find_tournament, stream_committed_players
from tasks.database import fetch, query
from tasks.errors import ConfigurationError
from tasks.mailbox import family_of, mailbox_of, parse_address
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
        counts = _take_snapshot(connection, tournament, options)
        _update_queue(connection, campaign_id, kind, services.settings.mail_domain, now)
    return Campaign(campaign_id, kind, tournament.id, tournament.name, counts["without order"])


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


def _take_snapshot(connection: Connection, tournament: Tournament, options: CampaignOptions) -> Counter[str]:
    """Copy the recipients, each with its mailbox, to where SQL can compare them with the queue."""
    counts: Counter[str] = Counter()
    connection.execute(query("snapshot_create"))
    for players in stream_committed_players(connection, tournament.id):
        rows = [_recipient(player, merge=options.shared_mailboxes == "one message") for player in players]
        connection.execute(query("snapshot_fill"), {column: [row[column] for row in rows] for column in rows[0]})
        counts["players"] += len(players)
        counts["without order"] += sum(player.order_id is None for player in players)
    if not counts["players"]:
        raise ConfigurationError(
            f"{tournament.name!r} has no committed players: check tournament_products and the players' commitment"
        )
    return counts


def _recipient(player: CommittedPlayer, *, merge: bool) -> dict[str, object]:
    parsed = parse_address(player.email)
    problem = None
    if parsed is None:
        problem = "invalid_address" if (player.email or "").strip() else "no_address"
    return {
        "order_id": player.order_id,
        "order_status": player.order_status,
        "player_id": player.player_id,
        "parent_id": player.parent_id,
        "mailbox": mailbox_of(parsed) if parsed else f"parent:{player.parent_id}",
        "family": "" if merge and parsed else family_of(player.parent_surname),
        "address": (parsed.ascii_email or parsed.normalized) if parsed else player.email,
        "problem": problem,
    }


def _update_queue(connection: Connection, campaign_id: int, kind: str, domain: str, now: datetime) -> None:
    """Make the unsent part of the queue what the snapshot calls for."""
    fetch(connection, "return_expired_claims", campaign_id=campaign_id, now=now)
    fetch(connection, "hold_lost_sendings", campaign_id=campaign_id, now=now)
    fetch(connection, "queue_lock", campaign_id=campaign_id)
    fetch(connection, "queue_detach", campaign_id=campaign_id)
    fetch(connection, "queue_messages", campaign_id=campaign_id, kind=kind, domain=domain, now=now)
    fetch(connection, "queue_assign", campaign_id=campaign_id)
    fetch(connection, "queue_settle", campaign_id=campaign_id, now=now)
