"""What a look after an order's link would do: reads only, at Stripe and in the ledger."""

from dataclasses import replace

from tasks.links.decision import PAID_BY_REFERENCE, Purpose, judge, may_have_paid
from tasks.links.duplicates import Asked, OtherOrderError, find_sessions, kept_of
from tasks.links.keeper import SHARED_SESSION, LinkKeeper
from tasks.links.model import Action, Charge, LinkKind, LinkOutcome, LinkResult, Order, StripeLink, Verdict
from tasks.links.stripe_api import UnknownSessionError
from tasks.links.stripe_params import LIFETIME

_OUTCOMES = {
    Action.KEEP: LinkOutcome.KEPT,
    Action.BACKFILL: LinkOutcome.BACKFILLED,
    Action.MARK_PAID: LinkOutcome.FOUND_PAID,
    Action.RECORD_PAYMENT: LinkOutcome.SET_ASIDE,
    Action.SET_ASIDE: LinkOutcome.SET_ASIDE,
    Action.NOTE_PAID: LinkOutcome.ALREADY_PAID,
    Action.WAIT: LinkOutcome.PROCESSING,
}


def dry_run_link(
    keeper: LinkKeeper,
    order_id: int,
    charge: Charge | None,
    *,
    renew: bool,
    mailing: bool = False,
    kind: LinkKind = LinkKind.CHECKOUT_SESSION,
) -> LinkResult:
    """Say how an order's link would stand after `ensure_link`, and do nothing about it; its address is not told.

    Raises TransientError where Stripe or the database is out of reach.
    """
    order = keeper.ledger.order(order_id, committed=charge is not None)
    if order.shares_session:
        return _link(order, LinkOutcome.SET_ASIDE, SHARED_SESSION.detail)
    shown = keeper.seen_sessions.look(order.id)
    if any(may_have_paid(order, session, policy=keeper.policy) for session in shown.strangers):
        return _link(order, LinkOutcome.SET_ASIDE, PAID_BY_REFERENCE.detail)
    attempts = keeper.ledger.live_attempts(order.id)
    if attempts and attempts[0].session_id is None:
        return _link(order, LinkOutcome.UNDER_REVIEW, "Stripe's reply to an earlier request was lost")
    try:
        sessions = find_sessions(order, attempts, Asked(keeper.ledger, keeper.stripe, keeper.seen_sessions), shown)
    except (UnknownSessionError, OtherOrderError) as error:
        return _link(order, LinkOutcome.SET_ASIDE, str(error))
    kept = kept_of(sessions, order, attempts)
    now, purpose = keeper.clock(), Purpose(mailing, kind, charge.closes_at if charge else None)
    verdict = judge(order, kept, now=now, policy=keeper.policy, purpose=purpose)
    if verdict.action is Action.EXPIRE:
        closed = judge(order, None, now=now, policy=keeper.policy, purpose=purpose)
        verdict = closed if closed.action is Action.SET_ASIDE else verdict
    duplicates = sum(_is_duplicate(session, kept) for session in sessions)
    closes = f"{duplicates} more open session of it would be closed" if duplicates else ""
    detail = "; ".join(part for part in (verdict.detail, closes) if part)
    link = _link(order, _outcome(order, kept, verdict, renew=renew and purpose.makes(now)), detail)
    stays = verdict.action in {Action.KEEP, Action.BACKFILL}
    if kept and stays:
        return replace(link, expires_at=kept.expires_at or purpose.closes_at, kind=kept.kind)
    if link.outcome in {LinkOutcome.MADE, LinkOutcome.RENEWED}:
        made = purpose.wanted(now, keeper.policy)
        ends = now + LIFETIME if made is LinkKind.CHECKOUT_SESSION else purpose.closes_at
        return replace(link, expires_at=ends, kind=made)
    return link


def _is_duplicate(session: StripeLink, kept: StripeLink | None) -> bool:
    made_kept = kept is not None and session.id == kept.payment_link
    return session.status == "open" and session is not kept and not made_kept


def _outcome(order: Order, kept: StripeLink | None, verdict: Verdict, *, renew: bool) -> LinkOutcome:
    if verdict.action is Action.EXPIRE and not order.owed:
        return LinkOutcome.CLOSED
    if verdict.action in {Action.CREATE, Action.EXPIRE}:
        if not renew:
            return LinkOutcome.NO_LIVE_LINK
        return LinkOutcome.RENEWED if kept or order.session_id else LinkOutcome.MADE
    if verdict.action is Action.NOTHING:
        return LinkOutcome.ALREADY_PAID if order.status == "paid" else LinkOutcome.NOT_OWED
    return _OUTCOMES[verdict.action]


def _link(order: Order, outcome: LinkOutcome, detail: str) -> LinkResult:
    return LinkResult(order.id, order.status, outcome, detail)
