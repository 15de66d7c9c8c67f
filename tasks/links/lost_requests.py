"""What became of a session whose answer was lost: ask again with the same key, or look for it."""

from datetime import datetime, timedelta

from tasks.links.ledger import LinkLedger
from tasks.links.model import Attempt, LinkKind, Order, StripeLink
from tasks.links.stripe_api import RefusedError, ServerFailedError, StripeLinks
from tasks.links.stripe_params import ATTEMPT_KEY, LIFETIME

KEY_LIFE = timedelta(hours=23)
"""Stripe keeps idempotency keys for at least 24 hours; within this one, a replay surely meets its first try."""

IN_FLIGHT = timedelta(minutes=10)
"""After this long no network has a request of ours still on its way to Stripe; a worker that was suspended may have."""

CLOCK_MARGIN = timedelta(minutes=10)

SHORTEST_LIFE = timedelta(minutes=30)
"""Stripe makes no session that would expire sooner."""

TOO_LATE = LIFETIME - SHORTEST_LIFE + CLOCK_MARGIN
"""After this long Stripe refuses a request whenever it comes, since its frozen `expires_at` is too near."""


def recover(order: Order, attempt: Attempt, ledger: LinkLedger, stripe: StripeLinks, *, now: datetime) -> bool:
    """Learn what became of an attempt without an answer and write it down; False where nobody can know yet.

    The request is repeated at once only for an order that still calls for it. For another one Stripe's list is asked
    first; where that has no session after a while, the request is repeated all the same: that spends the key, so that a
    worker that was suspended before its call makes no session any more, and what is made is closed at the next look.

    A payment link's request never comes too late to be taken. So it is repeated however old it is, once the list has
    no link of it: then its key is spent for another day.
    """
    replayable = attempt.state == "requested" and (
        attempt.kind is LinkKind.PAYMENT_LINK or now - attempt.requested_at < KEY_LIFE
    )
    fresh = now - attempt.requested_at < KEY_LIFE
    if replayable and fresh and attempt.fits(order):
        _replay(attempt, ledger, stripe, now=now)
    elif (session := _listed(attempt, ledger, stripe, now=now)) is not None:
        ledger.record_answer(attempt.id, session, now=now)
    elif now - attempt.asked_at < IN_FLIGHT:
        return False
    elif replayable:
        _replay(attempt, ledger, stripe, now=now)
    elif attempt.state == "requested" and now - attempt.requested_at < TOO_LATE:
        return False
    else:
        ledger.close(attempt.id, "absent", now=now)
    return True


def _replay(attempt: Attempt, ledger: LinkLedger, stripe: StripeLinks, *, now: datetime) -> None:
    """Send the stored parameters again under the stored key: Stripe does it once, and answers again.

    A refusal says nothing about the first try: by now the frozen `expires_at` may be too near.
    """
    ledger.ask_again(attempt, now=now)
    try:
        session = stripe.create(attempt.request or {}, str(attempt.idempotency_key))
    except (RefusedError, ServerFailedError):
        ledger.close(attempt.id, "unknown", now=now)
    else:
        ledger.record_answer(attempt.id, session, now=now)


def _listed(attempt: Attempt, ledger: LinkLedger, stripe: StripeLinks, *, now: datetime) -> StripeLink | None:
    """Find what an attempt has made among all that was made since, by the key that each carries in its metadata."""
    since = attempt.requested_at - CLOCK_MARGIN
    made = (
        stripe.payment_links.made_after(ledger.link_before(since))
        if attempt.kind is LinkKind.PAYMENT_LINK
        else stripe.sessions.all_of(since=since, until=now + CLOCK_MARGIN)
    )
    return next((one for one in made if one.metadata.get(ATTEMPT_KEY) == str(attempt.idempotency_key)), None)
