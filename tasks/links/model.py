"""What the decision about a checkout link is made of: the order, Stripe's session and the verdict. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

PAYMENT_LINK_PREFIX = "plink_"
"""How the ids of Stripe's Payment Links begin."""


class LinkKind(StrEnum):
    """By what an order can be paid: a session lives a day at most, a payment link until it is used or switched off."""

    CHECKOUT_SESSION = "checkout_session"
    PAYMENT_LINK = "payment_link"

    @classmethod
    def of(cls, link_id: str) -> "LinkKind":
        """Tell by Stripe's id."""
        return cls.PAYMENT_LINK if link_id.startswith(PAYMENT_LINK_PREFIX) else cls.CHECKOUT_SESSION


@dataclass(frozen=True)
class Order:
    """An order as the club's database has it now; `amount` is in the smallest unit of `currency`."""

    id: int
    status: str
    amount: Decimal
    currency: str
    session_id: str | None
    url: str | None
    payment_method: str | None
    payment_intent_id: str | None
    committed: bool
    has_twin: bool
    """Another uncancelled order exists for the same player and product."""

    has_product: bool = True
    shares_session: bool = False
    """Another order has the same session id: a payment through it could be for either."""

    released: Sequence[str] = ()
    """Sessions that a person has dealt with, and that are judged no more."""

    settled: Sequence[str] = ()
    """Sessions through which it was paid already, whatever became of that."""

    waits_for_person: bool = False
    """It is set aside."""

    read_at: datetime | None = None
    """When this was read, by PostgreSQL's clock: before Stripe was asked."""

    paid_before: str | None = None
    """The session of a payment on record for it that no person has dealt with."""

    @property
    def owed(self) -> bool:
        """Whether somebody still has to pay it."""
        return self.status == "pending" and self.committed


@dataclass(frozen=True)
class StripeLink:
    """A Checkout Session as Stripe describes it; `url` is there only while it is open. Times are UTC.

    A Payment Link is told in the same words: `open` while it is active or a session that it made is, else `expired`.
    It does not expire by itself, and what was paid through it was paid through one of its sessions.
    """

    id: str
    status: str | None
    payment_status: str
    mode: str
    livemode: bool
    url: str | None
    amount_total: int | None
    currency: str | None
    created: datetime | None
    """None: a payment link, of which Stripe does not say."""

    expires_at: datetime | None
    """None: a payment link."""

    metadata: dict[str, str]
    payment_intent_id: str | None
    payment_intent_status: str | None
    reference: str | None = None
    """Its client_reference_id: where it is not ours, it may name the order of the club's own system."""

    payment_link: str | None = None
    """The payment link that made it, for a parent who opened that."""

    completions: int = 0
    """Of a payment link: how many of its sessions were completed, by Stripe's own count or by its list."""

    listed: int = 0
    """The same, by the list alone: how many we have seen."""

    used_up: bool = False
    """Of a payment link: it can be used no more."""

    @property
    def kind(self) -> LinkKind:
        """Tell a session from a payment link."""
        return LinkKind.of(self.id)

    @property
    def live(self) -> bool:
        """Whether somebody could pay through it now, or a slow payment through it is under way."""
        return self.status == "open" or self.slow_payment

    @property
    def slow_payment(self) -> bool:
        """Whether it was completed with a slow payment method that has neither settled nor failed."""
        return self.status == "complete" and self.payment_status == "unpaid" and not self.payment_failed

    @property
    def payment_failed(self) -> bool:
        """Whether its slow payment came to nothing: the payment intent wants another method, or was cancelled."""
        return self.payment_intent_status in {"requires_payment_method", "canceled"}


@dataclass(frozen=True)
class Attempt:
    """A row of `checkout_attempts`: a session that we asked for or took over. `request` holds the frozen parameters."""

    id: int
    order_id: int
    idempotency_key: UUID | None
    request: dict[str, object] | None
    replaces: str | None
    amount: int | None
    currency: str | None
    requested_at: datetime
    asked_at: datetime
    """When its request was last sent."""

    state: str
    session_id: str | None

    @property
    def kind(self) -> LinkKind:
        """What was asked for; only a session has a mode."""
        asks_for_link = self.request is not None and "mode" not in self.request
        return LinkKind.PAYMENT_LINK if asks_for_link else LinkKind.CHECKOUT_SESSION

    def fits(self, order: Order) -> bool:
        """Whether the order is still as it was when this session was asked for."""
        same_price = self.amount == order.amount and self.currency == order.currency.lower()
        return order.owed and same_price and self.replaces == order.session_id


class Action(StrEnum):
    """What to do about an order's link."""

    KEEP = "keep"
    BACKFILL = "backfill"
    CREATE = "create"
    EXPIRE = "expire"
    MARK_PAID = "mark_paid"
    RECORD_PAYMENT = "record_payment"
    NOTE_PAID = "note_paid"
    """The club has it as paid already."""

    WAIT = "wait"
    SET_ASIDE = "set_aside"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Charge:
    """What the parent reads on Stripe's page: the product, and for whom it is."""

    product: str
    player: str
    closes_at: datetime | None = None
    """When the last day to pay is over, in UTC: no payment link outlives it. None: there is none."""


@dataclass(frozen=True)
class Verdict:
    """An action and, in words for a person, why."""

    action: Action
    reason: str = ""
    detail: str = ""
    session_id: str | None = None
    """Where it is about another session than the one that was judged."""


class LinkOutcome(StrEnum):
    """How an order's link stands after it was looked at."""

    KEPT = "kept"
    BACKFILLED = "backfilled"
    MADE = "made"
    RENEWED = "renewed"
    FOUND_PAID = "found paid"
    ALREADY_PAID = "already paid"
    PROCESSING = "payment processing"
    CLOSED = "closed"
    NOT_OWED = "not owed"
    SET_ASIDE = "set aside"
    UNDER_REVIEW = "under review"
    NO_LIVE_LINK = "no live link"
    """It is owed and has none, and nobody asked for a new one."""


@dataclass(frozen=True)
class LinkResult:
    """An order's link after it was looked at; `url` and what follows it are there only where it can be mailed."""

    order_id: int
    order_status: str
    outcome: LinkOutcome
    detail: str = ""
    session_id: str | None = None
    url: str | None = None
    amount: int | None = None
    currency: str | None = None
    expires_at: datetime | None = None
    """When it stops working; None with a URL: not before it is paid."""

    kind: LinkKind = LinkKind.CHECKOUT_SESSION
    checked_at: datetime | None = None
    """When Stripe was asked about it, by PostgreSQL's clock, or a little before."""
