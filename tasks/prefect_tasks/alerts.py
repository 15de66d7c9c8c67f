"""What the pipeline announces as Prefect events, for automations to tell people: each thing once."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect.events import emit_event

from tasks.operations import queries as operations_queries
from tasks.operations.queries import News
from tasks.services import Services


@dataclass(frozen=True)
class Alert:
    """A kind of event that a person is told of."""

    event: str
    title: str
    what_to_do: str


ALERTS = (
    Alert(
        "tournament-fees.messages.uncertain",
        "messages are uncertain",
        "Nobody knows whether they were delivered. After a restore from a backup: settle-after-restore, with the mail "
        "server's log. Else run settle-uncertain to see them, and decide about each.",
    ),
    Alert(
        "tournament-fees.link.set-aside",
        "orders are set aside",
        "Run campaign-status to see why; deal with the cause, then release them in refresh-checkout-links.",
    ),
    Alert(
        "tournament-fees.payment.to-look-at",
        "payments to look at",
        "Run campaign-status: paid twice, or another amount than asked. Refund in Stripe, then release the orders.",
    ),
    Alert(
        "tournament-fees.quota.reached",
        "the sending limit is reached",
        "Nothing to do: what is over it goes out later by itself, if retry-failed-sends is scheduled.",
    ),
)
"""What people are told of. A campaign that is finished is an event as well, and no alert."""


def unannounced(services: Services) -> Sequence[News]:
    """Return what is new in the ledger."""
    return operations_queries.list_news(services.database, now=services.clock())


def announce(services: Services) -> int:
    """Emit an event for whatever is new in the ledger, and note that it was; return how many.

    An event that was emitted and could not be noted is emitted again: twice told is better than never.
    """
    news = unannounced(services)
    for row in news:
        emit_event(
            event=row.event,
            resource={"prefect.resource.id": row.about, "prefect.resource.name": row.said},
            payload={"said": row.said},
        )
    if news:
        operations_queries.note_news(services.database, keys=[row.key for row in news], now=services.clock())
    return len(news)
