"""The decision table of the link lifecycle, as a pure function: what Stripe says now decides, never our clock alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tasks.links.model import Action, LinkKind, Order, StripeLink, Verdict

GREATEST_AMOUNT = 99_999_999
"""Stripe's, in the smallest unit of any currency."""

DELETED = "deleted"
"""How an order is read that the club has deleted."""

KNOWN_STATUSES = frozenset({"pending", "paid", "waived", "cancelled", "refunded"})

NO_PRODUCT = Verdict(
    Action.SET_ASIDE, "no_product", "orders.product_id is empty: nothing says what the payment would be for"
)
PAID_BY_REFERENCE = Verdict(
    Action.RECORD_PAYMENT,
    "paid_by_reference",
    "its price was paid through a session that merely names it: if that was for it, mark it paid; if another system "
    "on the account counts with such numbers, set CLUB_REFERENCE and release it",
)
DIES_SOON = Verdict(Action.EXPIRE, "dies_soon", "it has too little life left to be mailed")
_NOTHING = Verdict(Action.NOTHING)


@dataclass(frozen=True)
class LinkPolicy:
    """What a link must be to be mailed: `minimum_life` left, in the key's mode, on one of the `hosts`."""

    minimum_life: timedelta
    livemode: bool
    hosts: frozenset[str]
    allow_http: bool = False
    """Only for the stand-in on loopback: Stripe's own links are https."""

    def admits(self, url: str | None) -> bool:
        """Return True if `url` leads to Stripe, or to where this account's checkout pages are."""
        address = urlsplit(url or "")
        schemes = {"https", "http"} if self.allow_http else {"https"}
        return address.scheme in schemes and address.hostname in self.hosts and not address.username


@dataclass(frozen=True)
class Purpose:
    """What an order's link is looked after for."""

    mailing: bool
    """It is about to be mailed: only then is a link replaced that is right but dies soon, or of the other kind, since
    an earlier mail may still carry it."""

    kind: LinkKind = LinkKind.CHECKOUT_SESSION
    """What was chosen to be mailed."""

    closes_at: datetime | None = None
    """When the last day to pay is over."""

    def makes(self, now: datetime) -> bool:
        """Return True if a link is made for it: once the last day to pay is over, only what is to be mailed."""
        return self.mailing or self.closes_at is None or now < self.closes_at

    def wanted(self, now: datetime, policy: LinkPolicy) -> LinkKind:
        """Return the kind to make: a payment link that would be switched off before its promised life is over is none.

        Whoever is mailed so late gets a session, which ends by itself.
        """
        too_late = self.closes_at is not None and self.closes_at - now < policy.minimum_life
        return LinkKind.CHECKOUT_SESSION if too_late else self.kind


def judge(order: Order, session: StripeLink | None, *, now: datetime, policy: LinkPolicy, purpose: Purpose) -> Verdict:
    """Decide what to do about an order, whose link Stripe describes as `session` (None: it never had one)."""
    if order.status not in KNOWN_STATUSES | {DELETED} and (session is None or session.payment_status != "paid"):
        known = ", ".join(sorted(KNOWN_STATUSES))
        said = f"orders.status is {order.status!r}: it must be one of {known}"
        return _withheld(session, Verdict(Action.SET_ASIDE, "unknown_order_status", said))
    if order.status == "pending" and not order.has_product and (session is None or session.status != "complete"):
        return _withheld(session, NO_PRODUCT)
    if session is None:
        return _judge_new(order) if order.owed else _NOTHING
    if session.mode != "payment" or session.livemode != policy.livemode:
        return Verdict(Action.SET_ASIDE, "wrong_session", f"session {session.id} is not a payment in this Stripe mode")
    by_status: dict[str, Callable[[], Verdict]] = {
        "open": lambda: _judge_open(order, session, now=now, policy=policy, purpose=purpose),
        "expired": lambda: _judge_new(order) if order.owed else _NOTHING,
        "complete": lambda: _judge_complete(order, session),
    }
    return by_status.get(session.status or "", lambda: _unknown_status(session))()


def _withheld(session: StripeLink | None, verdict: Verdict) -> Verdict:
    """Close a payment link of an order that a person has to look at: it would not end by itself, as a session does."""
    lasting = session is not None and session.kind is LinkKind.PAYMENT_LINK and session.status == "open"
    return Verdict(Action.EXPIRE, "under_review", verdict.detail) if lasting else verdict


def _judge_new(order: Order) -> Verdict:
    if order.paid_before:
        return _paid_before(order.paid_before)
    if order.has_twin:
        return Verdict(
            Action.SET_ASIDE, "two_orders", "the player has two uncancelled orders for this product: cancel one of them"
        )
    problem = amount_problem(order)
    return Verdict(Action.SET_ASIDE, "bad_amount", problem) if problem else Verdict(Action.CREATE)


def _paid_before(session_id: str) -> Verdict:
    before = (
        "a payment of this order is on record: refund it, or mark the order paid; release it if that was for another"
    )
    return Verdict(Action.SET_ASIDE, "paid_before", before, session_id)


def amount_problem(order: Order) -> str:
    """Say what is wrong with an order's amount or currency, or nothing; Stripe counts in whole cents."""
    amount = order.amount
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 < amount <= GREATEST_AMOUNT:
        shown = f"{amount:f}" if amount.is_finite() else "no number"
        return f"orders.amount is {shown}: it must be a whole number of cents from 1 to {GREATEST_AMOUNT}"
    if len(order.currency) != 3 or not order.currency.isalpha() or not order.currency.isascii():  # noqa: PLR2004  ISO 4217
        return "orders.currency is not a three-letter code such as usd"
    return ""


def _judge_open(order: Order, session: StripeLink, *, now: datetime, policy: LinkPolicy, purpose: Purpose) -> Verdict:
    if not order.owed:
        return Verdict(Action.EXPIRE, "not_owed", "its order is not owed any more")
    if order.paid_before or order.has_twin or amount_problem(order):
        return Verdict(Action.EXPIRE, "under_review", "its order cannot be charged as it stands")
    if not _right_price(order, session):
        return Verdict(Action.EXPIRE, "price_changed", "its amount or currency is not the order's")
    if session.kind is LinkKind.PAYMENT_LINK:
        if session.used_up or not session.url:
            return Verdict(Action.EXPIRE, "switched_off", "its payment link is used up, or was switched off")
        if purpose.closes_at is not None and purpose.closes_at <= now:
            return Verdict(Action.EXPIRE, "deadline_passed", "its payment deadline is over")
    if purpose.mailing and (change := _replaced_to_mail(session, now=now, policy=policy, purpose=purpose)):
        return change
    if not policy.admits(session.url):
        return Verdict(
            Action.SET_ASIDE, "strange_url", "the session's URL does not lead to Stripe or the account's own domain"
        )
    stored = (order.session_id, order.url) == (session.id, session.url)
    return Verdict(Action.KEEP if stored else Action.BACKFILL)


def _replaced_to_mail(session: StripeLink, *, now: datetime, policy: LinkPolicy, purpose: Purpose) -> Verdict | None:
    """Say why a link that is right is not the one to mail; None: it is."""
    ends = session.expires_at or purpose.closes_at
    if ends is not None and ends - now < policy.minimum_life:
        return DIES_SOON
    if session.kind is not purpose.wanted(now, policy):
        return Verdict(Action.EXPIRE, "other_kind", "the other kind of link was chosen")
    return None


def _judge_complete(order: Order, session: StripeLink) -> Verdict:
    if session.payment_status == "paid":
        return _judge_paid(order, session)
    if session.payment_status != "unpaid":
        return Verdict(Action.SET_ASIDE, "no_payment_required", f"session {session.id} was completed without a payment")
    if session.slow_payment:
        return Verdict(Action.WAIT, "processing", "a slow payment is under way")
    return _judge_new(order) if order.owed else _NOTHING


def may_have_paid(order: Order, stranger: StripeLink, *, policy: LinkPolicy) -> bool:
    """Return True if a session that merely names an order took, or is taking, just what the order costs.

    Not where the order's payment is that very one, or a person has dealt with it.
    """
    took = stranger.status == "complete" and (stranger.payment_status == "paid" or stranger.slow_payment)
    right_mode = (stranger.mode, stranger.livemode) == ("payment", policy.livemode)
    is_known = stranger.id in {*order.released, *order.settled}
    is_its_payment = order.payment_intent_id is not None and order.payment_intent_id == stranger.payment_intent_id
    return took and right_mode and _right_price(order, stranger) and not (is_known or is_its_payment)


def _right_price(order: Order, session: StripeLink) -> bool:
    return session.amount_total == order.amount and session.currency == order.currency.lower()


def _judge_paid(order: Order, session: StripeLink) -> Verdict:
    if order.status == "pending":
        if session.id in order.settled:
            return _paid_before(session.id)
        if _right_price(order, session):
            return Verdict(Action.MARK_PAID)
        return Verdict(Action.RECORD_PAYMENT, "paid_other_amount", "paid at Stripe, but not the order's amount")
    if order.status == "paid":
        by_other_means = order.payment_method not in {None, "stripe", "card"}
        other_payment = order.payment_intent_id not in {None, session.payment_intent_id}
        if by_other_means or other_payment:
            return Verdict(
                Action.RECORD_PAYMENT, "paid_twice", f"paid at Stripe and by {order.payment_method}: refund one"
            )
        return Verdict(Action.NOTE_PAID)
    return Verdict(Action.RECORD_PAYMENT, f"paid_{order.status}", f"paid at Stripe, but the order is {order.status}")


def _unknown_status(session: StripeLink) -> Verdict:
    return Verdict(
        Action.SET_ASIDE, "unknown_status", f"session {session.id} has a status that is not known: {session.status}"
    )
