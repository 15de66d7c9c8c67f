"""The life of an order's checkout link: look at it, judge it, act, and look again until it stands as it should."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from tasks.links.create import make_session
from tasks.links.decision import PAID_BY_REFERENCE, LinkPolicy, Purpose, judge, may_have_paid
from tasks.links.duplicates import Asked, OtherOrderError, close_duplicates, current_session, find_sessions, kept_of
from tasks.links.ledger import LeaseLostError, LinkLedger
from tasks.links.lost_requests import recover
from tasks.links.model import Action, Attempt, Charge, LinkKind, LinkOutcome, LinkResult, Order, StripeLink, Verdict
from tasks.links.seen_sessions import SeenSessions, Shown
from tasks.links.stripe_api import NotOpenError, StripeLinks, UnknownSessionError
from tasks.links.stripe_params import ReturnPages, payment_link_request, session_request

SHARED_SESSION = Verdict(
    Action.SET_ASIDE, "shared_session", "another order has the same session: a payment could be for either"
)

ANOTHERS_PAYMENT = Verdict(
    Action.SET_ASIDE, "another_order", "what was paid through its session is on record as another order's payment"
)

PAID_TWICE = Verdict(
    Action.SET_ASIDE, "paid_twice", "it was paid again beside a payment on record: refund one, if that is not done"
)

MAX_ROUNDS = 8
"""An order needs two or three; one that still changes after this many is left for later."""


@dataclass(frozen=True)
class LinkKeeper:
    """Keeps orders payable through one live session at most."""

    ledger: LinkLedger
    stripe: StripeLinks
    policy: LinkPolicy
    pages: ReturnPages
    clock: Callable[[], datetime]
    seen_sessions: SeenSessions

    def ensure_link(
        self,
        order_id: int,
        charge: Charge | None,
        *,
        mailing: bool,
        renew: bool = True,
        kind: LinkKind = LinkKind.CHECKOUT_SESSION,
    ) -> LinkResult:
        """Bring an order's link to where it should be; `charge` is None where the player is not committed any more.

        A link that is made, or mailed, is of the `kind` that was chosen; another one is closed before it is made, and
        only to be mailed. Without `renew` none is made: what is owed and has none is said to have no live link. What
        list calls have shown of the order is taken as read where it is fresh, once.

        Raises TransientError where Stripe or the database is out of reach; a later call goes on from there.
        """
        with self.ledger.lease(order_id) as ledger:
            if ledger is None:
                order = self.ledger.order(order_id, committed=charge is not None)
                return LinkResult(
                    order_id, order.status, LinkOutcome.UNDER_REVIEW, "another run is working on its link"
                )
            purpose = Purpose(mailing, kind, charge.closes_at if charge else None)
            work = _LinkCheck(self, ledger, order_id, charge, purpose, renew=renew)
            work.shown = shown = self.seen_sessions.take(order_id, mailing=mailing)
            link = work.run()
            if (shown.ids or shown.strangers) and work.knows_all and link.outcome is not LinkOutcome.UNDER_REVIEW:
                ledger.drop_taken(order_id)
            return link


class _LinkCheck:
    """One look after one order, under its lease."""

    def __init__(
        self,
        keeper: LinkKeeper,
        ledger: LinkLedger,
        order_id: int,
        charge: Charge | None,
        purpose: Purpose,
        *,
        renew: bool,
    ) -> None:
        self.keeper = keeper
        self.ledger = ledger
        self.asked = Asked(ledger, keeper.stripe, keeper.seen_sessions)
        self.order_id = order_id
        self.charge = charge
        self.purpose = purpose
        self.renew = renew
        self.shown = Shown()
        self.closed_one = False
        self.knows_all = False
        """Whether all that lists have shown is written down, or is of another order."""

    def run(self) -> LinkResult:
        for number in range(MAX_ROUNDS):
            order = self.ledger.order(self.order_id, committed=self.charge is not None)
            try:
                if number:  # the lease was taken just before the first
                    self.ledger.extend_lease(order.id)
                link = self.look(order)
            except LeaseLostError:
                return LinkResult(
                    order.id, order.status, LinkOutcome.UNDER_REVIEW, "another run has taken over its link"
                )
            if link is not None:
                return link if link.url is None else checked(link, order, self.shown)
            self.shown = self.shown.again()
        return LinkResult(order.id, order.status, LinkOutcome.UNDER_REVIEW, "its order or session changes all the time")

    def look(self, order: Order) -> LinkResult | None:
        """Judge the order once and act; None where it has to be looked at again."""
        if order.shares_session:
            return self.look_at_shared(order)
        keeper, now = self.keeper, self.keeper.clock()
        strangers = self.shown.strangers
        if paid := [session for session in strangers if may_have_paid(order, session, policy=keeper.policy)]:
            self.doubt(order, paid)
            return None
        attempts = self.ledger.live_attempts(order.id)
        if attempts and attempts[0].session_id is None:
            settled = recover(order, attempts[0], self.ledger, keeper.stripe, now=now)
            return (
                None
                if settled
                else self.result(order, LinkOutcome.UNDER_REVIEW, "Stripe's reply was lost; asking again")
            )
        if (
            not attempts
            and order.status != "pending"
            and order.session_id
            and not self.shown.of_others(order.session_id)
            and self.ledger.knows_closed(order.session_id)
        ):
            self.knows_all = True
            return self.not_owed(order)
        try:
            session = current_session(order, attempts, self.asked, self.shown, now=now)
        except UnknownSessionError as error:
            return self.set_aside(order, None, Verdict(Action.SET_ASIDE, "unknown_session", str(error)))
        except OtherOrderError as error:
            anothers = Verdict(Action.SET_ASIDE, "another_order", str(error))
            return self.put_in_order(order, attempts, error.own, anothers)
        except NotOpenError:
            return None
        self.knows_all = True
        return self.act(order, session, judge(order, session, now=now, policy=keeper.policy, purpose=self.purpose))

    def look_at_shared(self, order: Order) -> LinkResult | None:
        """Leave two orders with one session to a person; that of the other keeps none of its own open, either."""
        attempts = self.ledger.live_attempts(order.id)
        try:
            find_sessions(order, attempts, self.asked, self.shown)
        except OtherOrderError as error:
            return self.put_in_order(order, attempts, error.own, SHARED_SESSION)
        except UnknownSessionError:
            pass  # a person will look at it anyway
        return self.set_aside(order, None, SHARED_SESSION)

    def put_in_order(
        self, order: Order, attempts: Sequence[Attempt], own: Sequence[StripeLink], verdict: Verdict
    ) -> LinkResult | None:
        """Leave an order that stores another one's session to a person, and none of its own open that must not be."""
        keeper, now = self.keeper, self.keeper.clock()
        kept = kept_of(own, order, attempts)
        try:
            close_duplicates(order, kept, own, self.asked, now=now)
        except NotOpenError:
            return None
        self.knows_all = True
        looking = replace(self.purpose, mailing=False)
        if kept and judge(order, kept, now=now, policy=keeper.policy, purpose=looking).action is Action.EXPIRE:
            self.expire(kept)
        return self.set_aside(order, None, verdict)

    def act(self, order: Order, session: StripeLink | None, verdict: Verdict) -> LinkResult | None:
        """Carry out a verdict; None where the order has to be looked at again."""
        match verdict.action, session:
            case Action.CREATE, _:
                makes = self.purpose.makes(self.keeper.clock()) and self.renew
                return self.create(order) if makes else self.result(order, LinkOutcome.NO_LIVE_LINK, "")
            case Action.SET_ASIDE, _:
                return self.set_aside(order, session, verdict)
            case Action.NOTHING, _:
                return self.not_owed(order)
            case Action.WAIT, _:
                return self.result(order, LinkOutcome.PROCESSING, verdict.detail)
            case Action.KEEP, StripeLink():
                return self.live(order, session, LinkOutcome.KEPT)
            case Action.BACKFILL, StripeLink():
                stored = self.ledger.set_link(order, session)
                return self.live(order, session, LinkOutcome.BACKFILLED) if stored else None
            case Action.EXPIRE, StripeLink():
                self.expire(session)
                return None
            case ((Action.MARK_PAID | Action.RECORD_PAYMENT | Action.NOTE_PAID), StripeLink()):
                return self.take_down(order, session, verdict)
        raise AssertionError(f"a verdict without an action: {verdict}")

    def doubt(self, order: Order, sessions: Sequence[StripeLink]) -> None:
        """Leave payments through sessions that merely name the order to a person; then it is looked at again."""
        for session in sessions:
            self.ledger.record_payment(order, session, PAID_BY_REFERENCE.reason, now=self.keeper.clock())
            self.set_aside(order, session, PAID_BY_REFERENCE)

    def take_down(self, order: Order, session: StripeLink, verdict: Verdict) -> LinkResult | None:
        """Write down a payment; an earlier one of the same order that nobody has dealt with is for a person."""
        now = self.keeper.clock()
        if verdict.action is Action.NOTE_PAID:
            self.ledger.record_payment(order, session, "settled", now=now)
            return self.not_owed(order)
        if verdict.action is Action.RECORD_PAYMENT:
            self.ledger.record_payment(order, session, verdict.reason, now=now)
            return self.set_aside(order, session, verdict)
        if self.ledger.is_anothers_payment(order, session):
            return self.set_aside(order, session, ANOTHERS_PAYMENT)
        if order.paid_before not in {None, session.id}:
            self.ledger.set_aside(order, order.paid_before, PAID_TWICE, now=now)
        marked = self.ledger.mark_paid(order, session, now=now)
        return self.result(order, LinkOutcome.FOUND_PAID, "paid at Stripe") if marked else None

    def create(self, order: Order) -> LinkResult | None:
        """Make a new link, of the kind that was chosen."""
        keeper, now, key = self.keeper, self.keeper.clock(), uuid4()
        charge = self.charge or Charge("", "")
        request = (
            payment_link_request(order, charge, keeper.pages, key=key)
            if self.purpose.wanted(now, keeper.policy) is LinkKind.PAYMENT_LINK
            else session_request(order, charge, keeper.pages, key=key, now=now)
        )
        made = make_session(order, request, self.ledger, keeper.stripe, key=key, now=now)
        if isinstance(made, Verdict):
            return self.set_aside(order, None, made)
        if made is None or not keeper.policy.admits(made.url):
            return None
        return self.live(order, made, LinkOutcome.RENEWED if order.session_id else LinkOutcome.MADE)

    def expire(self, session: StripeLink) -> None:
        """Close a session; the next look reads what became of it."""
        try:
            closed = self.keeper.stripe.expire(session)
        except NotOpenError:
            return
        self.closed_one = True
        self.ledger.observe(self.order_id, closed, now=self.keeper.clock())

    def live(self, order: Order, session: StripeLink, outcome: LinkOutcome) -> LinkResult:
        """Return a link that can be mailed."""
        self.note_mended(order)
        return live_link(order, session, outcome, self.purpose)

    def set_aside(self, order: Order, session: StripeLink | None, verdict: Verdict) -> LinkResult:
        """Leave the order to a person."""
        session_id = verdict.session_id or (session.id if session else order.session_id)
        self.ledger.set_aside(order, session_id, verdict, now=self.keeper.clock())
        return LinkResult(order.id, order.status, LinkOutcome.SET_ASIDE, verdict.detail)

    def note_mended(self, order: Order) -> None:
        """Note that what an order was set aside for is over."""
        if order.waits_for_person:
            self.ledger.clear_set_aside(order.id, now=self.keeper.clock())

    def not_owed(self, order: Order) -> LinkResult:
        """Return what there is to say of an order that nobody has to pay."""
        if self.closed_one:
            return self.result(order, LinkOutcome.CLOSED, "its session was still open and is closed now")
        outcome = LinkOutcome.ALREADY_PAID if order.status == "paid" else LinkOutcome.NOT_OWED
        return self.result(order, outcome, "" if order.committed else "the player is not committed any more")

    def result(self, order: Order, outcome: LinkOutcome, detail: str) -> LinkResult:
        """Return a link that is not to be mailed, with the reason."""
        if outcome is not LinkOutcome.UNDER_REVIEW:
            self.note_mended(order)
        return LinkResult(order.id, order.status, outcome, detail)


def live_link(order: Order, session: StripeLink, outcome: LinkOutcome, purpose: Purpose) -> LinkResult:
    """Return a link that can be mailed."""
    return LinkResult(
        order.id,
        order.status,
        outcome,
        session_id=session.id,
        url=session.url,
        amount=int(order.amount),
        currency=order.currency.lower(),
        expires_at=session.expires_at or purpose.closes_at,
        kind=session.kind,
    )


def checked(link: LinkResult, order: Order, shown: Shown) -> LinkResult:
    """Note on a link since when its state may have changed unseen."""
    return replace(link, checked_at=min((at for at in (order.read_at, shown.seen_at) if at), default=None))
