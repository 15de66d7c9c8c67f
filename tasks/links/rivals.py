"""Which session is an order's own, where our ledger and the club's system differ: never two that can be paid."""

from collections.abc import Sequence
from datetime import datetime

from tasks.errors import PermanentError
from tasks.links.ledger import LinkLedger
from tasks.links.model import Action, Attempt, CheckoutSession, Order, Verdict
from tasks.links.request import ORDER_KEY
from tasks.links.sightings import Sighted
from tasks.links.stripe_api import StripeSessions

NOTHING_SIGHTED = Sighted()


class OtherOrderError(PermanentError):
    """A session that an order stores was made for another one; `own` are those that were made for it."""

    def __init__(self, own: Sequence[CheckoutSession]) -> None:
        super().__init__("its session was made for another order, as the session's metadata says")
        self.own = own


def current_session(
    order: Order,
    attempts: Sequence[Attempt],
    ledger: LinkLedger,
    stripe: StripeSessions,
    *,
    now: datetime,
    sighted: Sighted = NOTHING_SIGHTED,
) -> CheckoutSession | None:
    """Read the order's session from Stripe and note what it says; where there are more, close those that are not kept.

    Candidates are the one that the order stores, those of the ledger through which money may still come, and those that
    lists have shown to be its own; neither one that a person has dealt with, nor one known to have expired: that is for
    good, whatever an older list says.

    Raises UnknownSessionError, OtherOrderError, and NotOpenError where another one was paid or expired just now:
    then look again.
    """
    sessions = find_sessions(order, attempts, ledger, stripe, sighted)
    kept = kept_of(sessions, order, attempts)
    if kept is None:
        return None
    close_rivals(order, kept, sessions, ledger, stripe, now=now)
    ledger.observe(order.id, kept, now=now)
    return kept


def close_rivals(
    order: Order,
    kept: CheckoutSession | None,
    sessions: Sequence[CheckoutSession],
    ledger: LinkLedger,
    stripe: StripeSessions,
    *,
    now: datetime,
) -> None:
    """Close the sessions of an order but the one that is kept; raises NotOpenError where one was paid just now."""
    for other in sessions:
        if other is not kept:
            _close_rival(order, other, ledger, stripe, now=now)


def find_sessions(
    order: Order, attempts: Sequence[Attempt], ledger: LinkLedger, stripe: StripeSessions, sighted: Sighted
) -> list[CheckoutSession]:
    """Return the order's candidates as Stripe describes them; raises UnknownSessionError and OtherOrderError."""
    stored = (order.session_id, *(attempt.session_id for attempt in attempts))
    ids = {session_id for session_id in stored if session_id} | sighted.ids
    sessions = [
        sighted.fresh.get(session_id) or stripe.retrieve(session_id)
        for session_id in sorted(ids - set(order.released))
        if not ledger.knows_expired(session_id)
    ]
    own = [session for session in sessions if session.metadata.get(ORDER_KEY, str(order.id)) == str(order.id)]
    if len(own) < len(sessions):
        raise OtherOrderError(own)
    return sessions


def kept_of(sessions: Sequence[CheckoutSession], order: Order, attempts: Sequence[Attempt]) -> CheckoutSession | None:
    """Return the one that the order keeps, by what cannot be undone, then ours, then the one that it stores."""
    ours = attempts[0].session_id if attempts else None
    return max(
        sessions,
        key=lambda session: (*_rank(session), session.id == ours, session.id == order.session_id),
        default=None,
    )


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
        ledger.record_payment(order, other, twice.reason, now=now)
        ledger.set_aside(order, other.id, twice, now=now)
    if other.slow_payment:
        slow = Verdict(Action.SET_ASIDE, "two_slow_payments", f"a slow payment through {other.id} is under way too")
        ledger.set_aside(order, other.id, slow, now=now)
