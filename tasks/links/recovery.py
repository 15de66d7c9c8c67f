"""What became of a session whose answer was lost: ask again with the same key, or look for it."""

from datetime import datetime, timedelta

from tasks.links.ledger import LinkLedger
from tasks.links.model import Attempt, Order
from tasks.links.request import ATTEMPT_KEY
from tasks.links.stripe_api import RefusedError, ServerFailedError, StripeSessions

KEY_LIFE = timedelta(hours=23)
"""Stripe keeps idempotency keys for at least 24 hours; within this one, a replay surely meets its first try."""

IN_FLIGHT = timedelta(minutes=10)
"""After this long no request of ours can still be on its way to Stripe."""

CLOCK_MARGIN = timedelta(minutes=10)


def recover(order: Order, attempt: Attempt, ledger: LinkLedger, stripe: StripeSessions, *, now: datetime) -> bool:
    """Learn what became of an attempt without an answer and write it down; False where nobody can know yet.

    The request is repeated only for an order that still calls for it: else it might make a session that nobody wants.
    """
    if attempt.state == "requested" and attempt.fits(order) and now - attempt.requested_at < KEY_LIFE:
        return _replay(attempt, ledger, stripe, now=now)
    return _search(attempt, ledger, stripe, now=now)


def _replay(attempt: Attempt, ledger: LinkLedger, stripe: StripeSessions, *, now: datetime) -> bool:
    """Send the stored parameters again under the stored key: Stripe does it once, and answers again."""
    try:
        session = stripe.create(attempt.request or {}, str(attempt.idempotency_key))
    except RefusedError:
        ledger.close(attempt.id, "refused", now=now)
    except ServerFailedError:
        ledger.close(attempt.id, "unknown", now=now)
    else:
        ledger.record_answer(attempt.id, session, now=now)
    return True


def _search(attempt: Attempt, ledger: LinkLedger, stripe: StripeSessions, *, now: datetime) -> bool:
    """List the sessions created since the attempt and match the key that each carries in its metadata."""
    for session in stripe.created_between(attempt.requested_at - CLOCK_MARGIN, now + CLOCK_MARGIN):
        if session.metadata.get(ATTEMPT_KEY) == str(attempt.idempotency_key):
            ledger.record_answer(attempt.id, session, now=now)
            return True
    if now - attempt.requested_at < IN_FLIGHT:
        return False
    ledger.close(attempt.id, "absent", now=now)
    return True
