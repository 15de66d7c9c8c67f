"""Stop a campaign for good: what is not on the wire yet is never sent."""

from tasks.campaigns.options import Campaign
from tasks.club.players import find_tournament
from tasks.core.errors import ConfigurationError
from tasks.operations import queries
from tasks.operations.options import StopChoice
from tasks.services import Services


def stop_campaign(services: Services, tournament_name: str, choice: StopChoice, *, by: str, why: str) -> Campaign:
    """Stop a campaign and cancel what it has not sent; a message on the wire at this moment comes to its own end.

    Raises a ConfigurationError for an unknown campaign, naming the known ones, and for one that was stopped before.
    """
    tournament = find_tournament(services.database, tournament_name)
    now = services.clock()
    if not by.strip():
        raise ConfigurationError("Your name is missing: it is kept beside the stopped campaign, nothing was done")
    with services.database.transaction() as connection:
        known = queries.list_tournament_campaigns(connection, tournament_id=tournament.id)
        found = [row for row in known if (row.kind, row.sequence) == (choice.kind, choice.sequence)]
        if not found:
            names = ", ".join(f"{row.kind} {row.sequence} ({row.state})" for row in known) or "none at all"
            raise ConfigurationError(
                f"{tournament.name!r} has no campaign {choice.kind} {choice.sequence}; it has {names}. Nothing was done"
            )
        campaign_id = found[0].id
        if not queries.stop_campaign(connection, campaign_id=campaign_id, now=now):
            raise ConfigurationError(
                f"The campaign {choice.kind} {choice.sequence} was stopped before: nothing was done"
            )
        queries.cancel_messages(connection, campaign_id=campaign_id, now=now)
        queries.record_action(
            connection,
            action="stop",
            campaign_id=campaign_id,
            message_ids=[None],
            by_whom=by.strip(),
            note=why,
            now=now,
        )
    return Campaign(campaign_id, choice.kind, tournament.id, tournament.name)
