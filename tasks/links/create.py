"""A new session for an order: committed to the ledger before Stripe is asked, stored only if the order is as it was."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tasks.links.ledger import LinkLedger
from tasks.links.model import Action, Order, StripeLink, Verdict
from tasks.links.stripe_api import NotAllowedError, RefusedError, ServerFailedError, StripeLinks


def make_session(
    order: Order, request: Mapping[str, Any], ledger: LinkLedger, stripe: StripeLinks, *, key: UUID, now: datetime
) -> StripeLink | Verdict | None:
    """Ask Stripe for a session; a verdict where it refuses, None where the order has to be looked at again."""
    attempt_id = ledger.begin(order, key, request, now=now)
    if attempt_id is None:
        return None
    try:
        session = stripe.create(request, str(key))
    except RefusedError as error:
        ledger.close(attempt_id, "refused", now=now)
        return Verdict(Action.SET_ASIDE, "refused_by_stripe", f"Stripe: {error}")
    except NotAllowedError:
        ledger.close(attempt_id, "refused", now=now)
        raise
    except ServerFailedError:
        ledger.close(attempt_id, "unknown", now=now)
        return None
    if not ledger.record_answer(attempt_id, session, now=now):
        _disown(attempt_id, session, ledger, stripe, now=now)
        return None
    return session if ledger.set_link(order, session) else None


def _disown(attempt_id: int, session: StripeLink, ledger: LinkLedger, stripe: StripeLinks, *, now: datetime) -> None:
    """Close what nobody waits for any more, since its attempt was given up or has another answer.

    What another worker has taken as the answer is left to it.
    """
    if not ledger.has_answer(attempt_id, session.id):
        ledger.record_answer(attempt_id, stripe.expire(session), now=now, state="expired")
