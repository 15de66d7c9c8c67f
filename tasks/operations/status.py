"""Where a tournament's money is: each order as it stands now, by the club's tables and the ledger. Changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tasks.club import queries as club_queries
from tasks.club.model import Tournament
from tasks.club.players import find_tournament
from tasks.core.email_address import mask, mask_in
from tasks.links import queries as links_queries
from tasks.links.queries import PaymentToLookAt
from tasks.links.set_asides import MOST_ROWS
from tasks.operations import queries
from tasks.operations.order_status import Mailing, TreasurerOrder
from tasks.operations.queries import TroubledMessage
from tasks.services import Services


@dataclass(frozen=True)
class Trouble:
    """A message that waits for a person: ids of the club's tables, and the address masked."""

    message_id: int
    parent_id: int
    kind: str
    status: str
    reason: str
    address: str
    detail: str


@dataclass(frozen=True)
class Payment:
    """A payment that the treasurer has to look at, in the smallest unit of its currency."""

    order_id: int
    amount: int
    currency: str
    finding: str
    payment_intent_id: str


@dataclass(frozen=True)
class Status:
    """How a tournament stands at a moment."""

    tournament: Tournament
    at: datetime
    orders: tuple[TreasurerOrder, ...]
    troubles: tuple[Trouble, ...]
    payments: tuple[Payment, ...]


def campaign_status(services: Services, tournament_name: str) -> Status:
    """Return how a tournament stands; raises a ConfigurationError where there is none of this name.

    Stripe is not asked: a payment that nobody has noticed yet is noticed by the next refresh.
    """
    database, now = services.database, services.clock()
    tournament = find_tournament(database, tournament_name)
    rows = club_queries.list_tournament_orders(database, tournament_id=tournament.id)
    order_ids = [row.order_id for row in rows if row.order_id is not None]
    mailings = queries.list_order_mailings(database, order_ids=order_ids, now=now)
    asides = links_queries.list_set_asides(database, order_ids=order_ids, most=len(order_ids) + MOST_ROWS)
    reasons = {row.order_id: f"{row.reason}: {row.detail}" for row in asides}
    return Status(
        tournament,
        now,
        tuple(_order(row, mailings, reasons, tournament) for row in rows),
        tuple(_trouble(row) for row in queries.list_tournament_troubles(database, tournament_id=tournament.id)),
        tuple(
            _payment(row)
            for row in links_queries.list_payments_to_look_at(database, order_ids=order_ids, most=MOST_ROWS)
        ),
    )


def _order(
    row: club_queries.TournamentOrder,
    mailings: Mapping[int, Mailing],
    reasons: Mapping[int, str],
    tournament: Tournament,
) -> TreasurerOrder:
    fields = row._asdict()
    due = fields.pop("due_date") or tournament.payment_deadline
    return TreasurerOrder(
        **fields,
        due_by=due.isoformat() if due else "",
        mailing=mailings.get(row.order_id, Mailing()) if row.order_id is not None else Mailing(),
        set_aside=reasons.get(row.order_id, "") if row.order_id is not None else "",
    )


def _trouble(row: TroubledMessage) -> Trouble:
    return Trouble(
        row.message_id,
        row.parent_id,
        row.kind,
        row.status,
        row.reason or "",
        mask(row.address),
        mask_in(row.detail),
    )


def _payment(row: PaymentToLookAt) -> Payment:
    return Payment(row.order_id, row.amount, row.currency, row.finding, row.payment_intent_id or "")
