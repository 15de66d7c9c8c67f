"""Which session is an order's own, where our ledger and the club's system differ: never two that can be paid."""

from datetime import datetime

from tasks.links.ledger import LinkLedger
from tasks.links.model import Action, Attempt, CheckoutSession, Order, Verdict
from tasks.links.stripe_api import StripeSessions


def current_session(
    order: Order,
    attempt: Attempt | None,
    ledger: LinkLedger,
    stripe: StripeSessions,
    *,
    now: datetime,
) -> CheckoutSession | None:
    """Read the order's session from Stripe and note what it says; where there are two, close the one that is not kept.

    Raises UnknownSessionError, and NotOpenError where the other one was paid or expired just now: then look again.
    """
    ids = {session_id for session_id in (order.session_id, attempt and attempt.session_id) if session_id}
    sessions = [stripe.retrieve(session_id) for session_id in sorted(ids)]
    if not sessions:
        return None
    ours = attempt.session_id if attempt else None
    kept = max(sessions, key=lambda session: (*_rank(session), session.id == ours, session.id == order.session_id))
    for other in sessions:
        if other is not kept:
            _close_rival(order, other, ledger, stripe, now=now)
    ledger.observe(order.id, kept, now=now)
    return kept


def _rank(session: CheckoutSession) -> tuple[bool, bool, bool]:
    """Order sessions by what cannot be undone: money taken, then money under way, then payable."""
    return (session.payment_status == "paid", session.slow_payment, session.status == "open")


def _close_rival(
    order: Order, other: CheckoutSession, ledger: LinkLedger, stripe: StripeSessions, *, now: datetime
) -> None:
    """Close a session beside the one that is kept; where money came or comes through it too, tell a person."""
    closed = stripe.expire(other.id) if other.status == "open" else other
    ledger.observe(order.id, closed, now=now, rival=True)
    if other.payment_status == "paid":
        twice = Verdict(Action.SET_ASIDE, "paid_twice", f"session {other.id} was paid too: refund one")
        ledger.record_payment(order, other, twice, now=now)
        ledger.set_aside(order, other.id, twice, now=now)
    if other.slow_payment:
        slow = Verdict(Action.SET_ASIDE, "two_slow_payments", f"a slow payment through {other.id} is under way too")
        ledger.set_aside(order, other.id, slow, now=now)
