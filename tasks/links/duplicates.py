"""Which session is an order's own, where our ledger and the club's system differ: never two that can be paid."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from tasks.core.errors import PermanentError
from tasks.links.ledger import LinkLedger
from tasks.links.model import Action, Attempt, LinkKind, Order, StripeLink, Verdict
from tasks.links.seen_sessions import SeenSessions, Shown
from tasks.links.stripe_api import StripeLinks


class Asked(NamedTuple):
    """Who knows of sessions: the ledger under the order's lease, Stripe, and what lists have shown."""

    ledger: LinkLedger
    stripe: StripeLinks
    seen_sessions: SeenSessions


class OtherOrderError(PermanentError):
    """A link that an order stores was not made for it; `own` are those that were."""

    def __init__(self, own: Sequence[StripeLink]) -> None:
        super().__init__("its link was made for another order or for everybody, as the link itself says at Stripe")
        self.own = own


def current_session(
    order: Order,
    attempts: Sequence[Attempt],
    asked: Asked,
    shown: Shown,
    *,
    now: datetime,
) -> StripeLink | None:
    """Read the order's session from Stripe and note what it says; where there are more, close those that are not kept.

    Candidates are the one that the order stores, those of the ledger through which money may still come, and those that
    lists have shown to be its own; neither one that a person has dealt with, nor one known to have expired: that is for
    good, whatever an older list says.

    Raises UnknownSessionError, OtherOrderError, and NotOpenError where another one was paid or expired just now:
    then look again.
    """
    sessions = find_sessions(order, attempts, asked, shown)
    kept = kept_of(sessions, order, attempts)
    if kept is None:
        return None
    close_duplicates(order, kept, sessions, asked, now=now)
    asked.ledger.observe(order.id, kept, now=now)
    return kept


def close_duplicates(
    order: Order,
    kept: StripeLink | None,
    sessions: Sequence[StripeLink],
    asked: Asked,
    *,
    now: datetime,
) -> None:
    """Close the sessions of an order but the one that is kept; raises NotOpenError where one was paid just now."""
    for other in sessions:
        if other is not kept:
            _close_duplicate(order, other, asked, now=now, made_kept=kept is not None and other.id == kept.payment_link)


def find_sessions(order: Order, attempts: Sequence[Attempt], asked: Asked, shown: Shown) -> list[StripeLink]:
    """Return the order's candidates as Stripe describes them; raises UnknownSessionError and OtherOrderError."""
    stored = (order.session_id, *(attempt.session_id for attempt in attempts))
    found: dict[str, StripeLink] = {}
    for link_id in sorted(({link_id for link_id in stored if link_id} | shown.ids) - set(order.released)):
        found |= {session.id: session for session in _described(link_id, asked, shown)}
    sessions = [session for session in found.values() if session.id not in order.released]
    own = [session for session in sessions if not asked.seen_sessions.is_anothers(session, order.id)]
    if len(own) < len(sessions):
        raise OtherOrderError(own)
    return sessions


def _described(link_id: str, asked: Asked, shown: Shown) -> Sequence[StripeLink]:
    """Return what Stripe says of a session, or of a payment link and what was completed through it.

    An expired session stays so. A payment link that was switched off can be switched on again in Stripe's Dashboard:
    one that a list shows to be active is read again. One that is used up calls itself inactive, but only to be switched
    off makes it stay so, whatever becomes of a slow payment: until then it counts as open.
    """
    if not asked.ledger.knows_expired(link_id):
        fresh = shown.fresh.get(link_id)
        found = (fresh,) if fresh else asked.stripe.find(link_id)
        return [replace(session, status="open") if session.used_up else session for session in found]
    switched_on = LinkKind.of(link_id) is LinkKind.PAYMENT_LINK and link_id in shown.ids
    return asked.stripe.find(link_id) if switched_on else ()


def kept_of(sessions: Sequence[StripeLink], order: Order, attempts: Sequence[Attempt]) -> StripeLink | None:
    """Return the one that the order keeps, by what cannot be undone, then ours, then the one that it stores."""
    ours = attempts[0].session_id if attempts else None
    return max(
        sessions,
        key=lambda session: (*_rank(session), session.id == ours, session.id == order.session_id),
        default=None,
    )


def _rank(session: StripeLink) -> tuple[bool, bool, bool]:
    """Order sessions by what cannot be undone: money taken, then money under way, then payable."""
    return (session.payment_status == "paid", session.slow_payment, session.status == "open")


def _close_duplicate(
    order: Order,
    other: StripeLink,
    asked: Asked,
    *,
    now: datetime,
    made_kept: bool,
) -> None:
    """Close a session beside the one that is kept; where money came or comes through it too, tell a person.

    The payment link that made the kept one has done its work: it is closed too, and is no duplicate.
    """
    closed = asked.stripe.expire(other) if other.status == "open" else other
    asked.ledger.observe(order.id, closed, now=now, duplicate=not made_kept)
    if other.payment_status == "paid":
        twice = Verdict(Action.SET_ASIDE, "paid_twice", f"session {other.id} was paid too: refund one")
        asked.ledger.record_payment(order, other, twice.reason, now=now)
        asked.ledger.set_aside(order, other.id, twice, now=now)
    if other.slow_payment:
        slow = Verdict(Action.SET_ASIDE, "two_slow_payments", f"a slow payment through {other.id} is under way too")
        asked.ledger.set_aside(order, other.id, slow, now=now)
