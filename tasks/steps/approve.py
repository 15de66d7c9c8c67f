"""Ask a person before anything is sent: what is not covered by an approval yet is shown, and the decision kept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from tasks.approvals import Approvals
from tasks.campaign import Campaign
from tasks.compose import template_digests
from tasks.forecast import Forecast, check_cap, forecast, read_owed
from tasks.preview import Preview, gather, read_standing
from tasks.services import Services


@dataclass(frozen=True)
class Proposal:
    """What a person is asked to approve: its id in the ledger, and what is shown of it."""

    id: int
    preview: Preview


def propose(services: Services, campaign: Campaign, run_id: UUID, at_most: int) -> Proposal | None:
    """Keep and return what has to be approved before it can be sent; None where that is nothing.

    Raises ConfigurationError for a broken template, for more messages than `at_most`, and where the page cannot be
    written; TransientError where Stripe or the database is out of reach.
    """
    digests, now = template_digests(services.renderer, campaign.kind, campaign.note), services.clock()
    with services.database.transaction() as connection:
        Approvals(connection, campaign.id, digests, now).settle()
        owed = read_owed(connection, campaign.id, now)
        standing = read_standing(connection, campaign.id, now)
    waiting = [message for message in owed if message.awaits_approval]
    if not waiting:
        return None
    asked: list[Forecast] = []
    preview = gather(services, campaign, _kept(forecast(services, campaign, waiting), asked), standing)
    if not preview.messages:
        Path(preview.page).unlink(missing_ok=True)
        return None
    check_cap(preview.messages + len(owed) - len(waiting), at_most)
    with services.database.transaction() as connection:
        approvals = Approvals(connection, campaign.id, digests, now)
        return Proposal(approvals.propose(asked, preview.messages, run_id), preview)


def open_proposals(services: Services, campaign: Campaign, run_id: UUID) -> list[int]:
    """Return the ids of what a run has asked about this campaign and nobody has decided, the oldest first."""
    rows = services.database.fetch("open_proposals", run_id=run_id, campaign_id=campaign.id)
    return [row.id for row in rows]


def decide(services: Services, campaign: Campaign, approval_id: int, *, approved: bool, by: str, note: str = "") -> int:
    """Keep what a person decided about a proposal, and return how many messages that is about.

    Zero where it was decided before. Raises ConfigurationError without a name.
    """
    digests = template_digests(services.renderer, campaign.kind, campaign.note)
    with services.database.transaction() as connection:
        approvals = Approvals(connection, campaign.id, digests, services.clock())
        return approvals.decide(approval_id, approved=approved, by=by, note=note)


def _kept(forecasts: Iterable[Forecast], kept: list[Forecast]) -> Iterator[Forecast]:
    """Pass forecasts on, and keep of each what an approval compares."""
    for one in forecasts:
        kept.append(replace(one, letter=None, mail=None))
        yield one
