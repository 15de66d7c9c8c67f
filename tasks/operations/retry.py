"""Retry what is due in campaigns that are being sent, and what a person sends again."""

from dataclasses import dataclass

from tasks.campaigns import queries as campaigns_queries
from tasks.campaigns.enqueue import Queue, take_snapshot
from tasks.campaigns.open import as_mailed
from tasks.campaigns.options import Campaign, CampaignOptions
from tasks.club import queries as club_queries
from tasks.club.players import find_tournament
from tasks.delivery import queries as delivery_queries
from tasks.operations import queries
from tasks.operations.chosen_messages import Choice, choose
from tasks.operations.options import RetryChoice
from tasks.operations.queries import CampaignToSend
from tasks.services import Services


@dataclass(frozen=True)
class Retried:
    """The campaigns that have messages to send now, and how many messages turned out to be uncertain."""

    campaigns: tuple[Campaign, ...]
    lost: int


def retry_messages(services: Services, choice: RetryChoice) -> Retried:
    """Find the campaigns that have messages to send now, their queues following corrected addresses.

    What lost workers held comes back first, everywhere; what of it was on the wire is uncertain now. Nobody joins a
    campaign here. Raises a ConfigurationError, with nothing queued, where the choice contradicts itself or names what
    is not there.
    """
    choice.check()
    database, now = services.database, services.clock()
    tournament_id = find_tournament(database, choice.tournament).id if choice.tournament else None
    with database.transaction() as connection:
        campaigns_queries.return_expired_claims(connection, campaign_id=None, now=now)
        lost = len(campaigns_queries.mark_lost_sendings_uncertain(connection, campaign_id=None, now=now))
    if choice.statuses:
        wanted = Choice(choice.statuses, tournament_id, choice.message_ids)
        with database.transaction() as connection:
            choose(connection, wanted, choice.count, by=choice.by, now=now).send_again()
    campaigns = queries.list_campaigns_to_send(database, tournament_id=tournament_id, now=now)
    return Retried(tuple(_readdressed(services, campaign) for campaign in campaigns), lost)


def _readdressed(services: Services, campaign: CampaignToSend) -> Campaign:
    """Let a campaign's unsent messages follow corrected addresses, suppressions, and the kind of link mailed since."""
    tournament = club_queries.find_tournament(services.database, tournament_id=campaign.tournament_id)
    options = CampaignOptions.model_construct(**campaign.parameters)
    with services.database.transaction() as connection:
        if delivery_queries.lock_sending_campaign(connection, campaign_id=campaign.id):
            take_snapshot(connection, tournament.id, merge=options.merges_families)
            Queue(connection, campaign.id, campaign.kind, services.settings.mail_domain, services.clock()).readdress()
        link_kind = as_mailed(connection, tournament.id).link_kind
    return Campaign(campaign.id, campaign.kind, tournament.id, tournament.name, link_kind=link_kind, note=options.note)
