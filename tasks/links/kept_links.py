"""Recognises links that are as they should be, many by a few statements; the rest is left to `ensure_link`."""

from collections.abc import Mapping, Sequence

from tasks.links.decision import Purpose, judge
from tasks.links.keeper import LinkKeeper, checked, live_link
from tasks.links.model import Action, Attempt, Charge, LinkKind, LinkOutcome, LinkResult, Order, StripeLink
from tasks.links.seen_sessions import Shown


def kept_links(
    keeper: LinkKeeper, charges: Mapping[int, Charge], kind: LinkKind, *, mailing: bool
) -> dict[int, LinkResult]:
    """Return, by order, the links that are right just as they are; what is wrong or not sure has none here.

    It is what `ensure_link` would say of them: the order has one link, the ledger has it as open, a list has just
    shown it, and nothing is to be done about it. So nothing is asked of Stripe, and nothing written but that it was
    looked at.
    """
    with keeper.ledger.lease_all(list(charges)) as (ledger, leased):
        orders = ledger.orders(leased, committed=True)
        attempts: dict[int, list[Attempt]] = {}
        for attempt in ledger.live_attempts(*leased):
            attempts.setdefault(attempt.order_id, []).append(attempt)
        shown_of = keeper.seen_sessions.look_at(leased, mailing=mailing)
        links, seen_ats = {}, {}
        for order in orders:
            shown = shown_of.get(order.id, Shown())
            purpose = Purpose(mailing, kind, charges[order.id].closes_at)
            session = _just_shown(keeper, order, attempts.get(order.id, ()), shown)
            if session is not None and shown.seen_at is not None and _is_kept(keeper, order, session, purpose):
                link = live_link(order, session, LinkOutcome.KEPT, purpose)
                links[order.id], seen_ats[order.id] = checked(link, order, shown), shown.seen_at
        if seen_ats:
            ledger.drop_kept(seen_ats)
    return links


def _just_shown(keeper: LinkKeeper, order: Order, attempts: Sequence[Attempt], shown: Shown) -> StripeLink | None:
    """Return the order's one link where all that is known of it agrees."""
    if order.waits_for_person or order.shares_session or shown.strangers or order.session_id in order.released:
        return None
    if [(attempt.session_id, attempt.state) for attempt in attempts] != [(order.session_id, "open")]:
        return None
    session = shown.fresh.get(order.session_id or "")
    if session is None or shown.ids != {session.id} or keeper.seen_sessions.is_anothers(session, order.id):
        return None
    return session


def _is_kept(keeper: LinkKeeper, order: Order, session: StripeLink, purpose: Purpose) -> bool:
    verdict = judge(order, session, now=keeper.clock(), policy=keeper.policy, purpose=purpose)
    return verdict.action is Action.KEEP
