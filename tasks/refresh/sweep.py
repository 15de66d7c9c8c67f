"""Before a campaign sends: learn by list calls what became of the account's sessions, whoever made them."""

from collections import Counter

from tasks.campaigns.charges import find_charges
from tasks.campaigns.options import Campaign
from tasks.refresh import queries
from tasks.services import Services


def sweep(services: Services, campaign: Campaign) -> Counter[str]:
    """Note what Stripe's lists show for the checks to come, and act at once on what no message will look after.

    A payment through a session that the club's system overwrote is found, and a second open session closed. Returns
    how many orders that brought into which state. Raises TransientError where Stripe is out of reach.
    """
    database = services.database
    services.stripe_lists.sweep()
    surprising = queries.list_surprising_orders(database, campaign_id=campaign.id)
    zone = services.settings.club_time_zone
    charges = find_charges(database, surprising, zone, now=services.clock(), tournament_id=campaign.tournament_id)
    links = [
        services.keeper.ensure_link(order_id, charge, mailing=False, renew=False)
        for order_id, charge in charges.items()
    ]
    return Counter(link.outcome.value for link in links)
