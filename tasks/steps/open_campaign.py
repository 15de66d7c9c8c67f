"""Open a campaign: bring its queue up to date with the club's committed players. Nothing is sent here."""

from tasks.campaign import Campaign, CampaignOptions
from tasks.club import find_tournament
from tasks.opening import open_in
from tasks.services import Services


def open_campaign(
    services: Services, tournament_name: str, kind: str, options: CampaignOptions, *, require_approval: bool = False
) -> Campaign:
    """Find or make the campaign and queue a message for each mailbox that is owed one; safe to repeat.

    A message that was sent is never touched; a campaign that once required an approval goes on doing so. Raises
    ConfigurationError for an unknown or empty tournament, for a choice that matches nobody, and for a campaign that a
    person has stopped.
    """
    tournament = find_tournament(services.database, tournament_name)
    with services.database.transaction() as connection:
        return open_in(connection, services, tournament, kind, options, require_approval=require_approval)
