"""Show what a campaign would send now: nobody is mailed, no session made or closed, nothing of the campaign kept."""

from tasks.campaign import CampaignOptions
from tasks.forecast import forecast
from tasks.preview import Preview, gather, try_open
from tasks.services import Services


def preview_campaign(services: Services, tournament_name: str, options: CampaignOptions) -> Preview:
    """Render every message that would go out, and return what there is to say of them.

    Raises ConfigurationError as open_campaign does, and for a broken template; TransientError where Stripe or the
    database is out of reach.
    """
    campaign, owed, standing = try_open(services, tournament_name, options)
    services.survey.sweep()
    return gather(services, campaign, forecast(services, campaign, owed), standing)
