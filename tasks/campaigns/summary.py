"""What a campaign came to, counted from the ledger: for reports, without addresses or payment URLs."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from tasks.campaigns import queries
from tasks.campaigns.options import Campaign
from tasks.campaigns.queries import Wait
from tasks.core.email_address import mask, mask_in
from tasks.services import Services

MOST_PROBLEMS = 100
NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True)
class Problem:
    """Something that a person should look at: ids of the club's tables, and the address masked."""

    message_id: int
    parent_id: int
    order_id: int | None
    address: str
    status: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Summary:
    """Counts of a campaign as the ledger has them, and of one run's deliveries."""

    campaign: Campaign
    links: Mapping[str, int]
    messages: Mapping[tuple[str, str], int]
    deliveries: Mapping[str, int]
    problems: tuple[Problem, ...]
    """The first MOST_PROBLEMS of them; `problems_in_all` counts."""
    problems_in_all: int = 0
    waits: tuple[Wait, ...] = ()
    duplicates: tuple[int, ...] = ()
    """Orders beside whose session another one of the club's own system could be paid, and was closed."""

    @property
    def sent(self) -> int:
        """How many messages this run sent."""
        return self.deliveries.get("sent", 0)

    @property
    def awaiting(self) -> int:
        """How many messages wait for an approval."""
        return self.messages.get(("queued", "awaiting_approval"), 0)

    def having(self, *statuses: str) -> int:
        """Count the campaign's messages in these statuses."""
        return sum(count for (status, _), count in self.messages.items() if status in statuses)


def summarize(services: Services, campaign: Campaign, run_id: UUID | None) -> Summary:
    """Count what became of a campaign; call it done where nothing of it is owed any more."""
    database = services.database
    now = services.clock()
    queries.close_campaign(database, campaign_id=campaign.id, now=now)
    links = queries.count_campaign_links(database, campaign_id=campaign.id)
    messages = queries.count_campaign_messages(database, campaign_id=campaign.id)
    deliveries = queries.count_run_deliveries(database, campaign_id=campaign.id, run_id=run_id)
    problems = queries.list_campaign_problems(database, campaign_id=campaign.id, most=MOST_PROBLEMS)
    waits = queries.list_campaign_waits(database, campaign_id=campaign.id, now=now)
    duplicates = queries.list_campaign_duplicates(database, campaign_id=campaign.id, most=MOST_PROBLEMS)
    return Summary(
        campaign,
        links={link or NOT_LOOKED_AT: orders for link, orders in links.items()},
        messages=messages,
        deliveries=deliveries,
        problems=tuple(
            Problem(
                row.message_id,
                row.parent_id,
                row.order_id,
                mask(row.address),
                row.status,
                row.reason or "",
                mask_in(row.detail or ""),
            )
            for row in problems
        ),
        problems_in_all=problems[0].in_all if problems else 0,
        waits=tuple(waits),
        duplicates=tuple(duplicates),
    )
