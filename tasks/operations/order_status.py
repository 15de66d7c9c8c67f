"""How an order stands between the club and a parent, as a treasurer counts it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

BY_STRIPE = frozenset({"stripe", "card"})
"""orders.payment_method where the money came through Stripe; the club's own system may write the second."""


class OrderStatus(StrEnum):
    """What has become of an order, or of a committed player who has none."""

    PAID_STRIPE = "paid through Stripe"
    PAID_CASH = "paid in cash"
    PAID_OTHERWISE = "paid otherwise"
    WAIVED = "waived"
    PROCESSING = "payment on its way"
    SET_ASIDE = "set aside"
    LIVE = "mailed, link works"
    DEAD = "mailed, link has died"
    UNCERTAIN = "perhaps mailed"
    NOT_MAILED = "not mailed"
    NO_ORDER = "no order"
    NOT_COMMITTED = "not committed any more, unpaid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


PAID = frozenset({OrderStatus.PAID_STRIPE, OrderStatus.PAID_CASH, OrderStatus.PAID_OTHERWISE})
OWED = frozenset(
    {
        OrderStatus.PROCESSING,
        OrderStatus.SET_ASIDE,
        OrderStatus.LIVE,
        OrderStatus.DEAD,
        OrderStatus.UNCERTAIN,
        OrderStatus.NOT_MAILED,
    }
)
"""Those that somebody still has to pay, as far as is known."""


@dataclass(frozen=True)
class Mailing:
    """When an order was last mailed with a link, and how that link stands; all empty where it never was."""

    mailed_at: datetime | None = None
    uncertain: bool = False
    link_live: bool = False
    processing: bool = False
    mailings: int = 0


@dataclass(frozen=True)
class TreasurerOrder:
    """A row of the treasurer's table; names and addresses in it are not for logs and artifacts."""

    order_id: int | None
    player_id: int
    player_name: str
    team: str
    parent_id: int
    parent_name: str
    email: str | None
    committed: bool
    status: str
    amount: Decimal | None
    currency: str | None
    payment_method: str | None
    paid_at: datetime | None
    due_by: str
    mailing: Mailing
    set_aside: str
    """Why a person has to look at it; empty: nobody has to."""

    @property
    def order_status(self) -> OrderStatus:
        """What has become of it."""
        settled = {"waived": OrderStatus.WAIVED, "cancelled": OrderStatus.CANCELLED, "refunded": OrderStatus.REFUNDED}
        if self.order_id is None:
            return OrderStatus.NO_ORDER
        if self.status == "paid":
            return self._paid()
        if self.status in settled:
            return settled[self.status]
        if self.set_aside:
            return OrderStatus.SET_ASIDE
        if self.mailing.processing:
            return OrderStatus.PROCESSING
        return self._asked_for() if self.committed else OrderStatus.NOT_COMMITTED

    @property
    def crossed(self) -> bool:
        """Whether it was mailed though it had been paid a moment before."""
        mailed_at = self.mailing.mailed_at
        return self.status == "paid" and self.paid_at is not None and mailed_at is not None and mailed_at > self.paid_at

    def _paid(self) -> OrderStatus:
        if self.payment_method in BY_STRIPE:
            return OrderStatus.PAID_STRIPE
        return OrderStatus.PAID_CASH if self.payment_method == "cash" else OrderStatus.PAID_OTHERWISE

    def _asked_for(self) -> OrderStatus:
        if self.mailing.mailed_at is None:
            return OrderStatus.NOT_MAILED
        if self.mailing.uncertain:
            return OrderStatus.UNCERTAIN
        return OrderStatus.LIVE if self.mailing.link_live else OrderStatus.DEAD
