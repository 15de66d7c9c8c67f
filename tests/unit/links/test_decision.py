"""The decision table of the link lifecycle, row by row as the design has it, and what must hold for every order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.links.decision import LinkPolicy, Purpose, amount_problem, judge
from tasks.links.model import Action, Order, StripeLink

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://checkout.stripe.com/c/pay/cs_test_1#fid"
POLICY = LinkPolicy(timedelta(hours=12), livemode=False, hosts=frozenset({"checkout.stripe.com"}))

ORDER = Order(
    id=7,
    status="pending",
    amount=Decimal(5500),
    currency="usd",
    session_id="cs_test_1",
    url=URL,
    payment_method=None,
    payment_intent_id=None,
    committed=True,
    has_twin=False,
)


OPEN = StripeLink(
    id="cs_test_1",
    status="open",
    payment_status="unpaid",
    mode="payment",
    livemode=False,
    url=URL,
    amount_total=5500,
    currency="usd",
    created=NOW - timedelta(hours=2),
    expires_at=NOW + timedelta(hours=22),
    metadata={},
    payment_intent_id=None,
    payment_intent_status=None,
)


EXPIRED = replace(OPEN, status="expired", url=None, expires_at=NOW - timedelta(hours=1))
PAID = replace(
    OPEN,
    status="complete",
    payment_status="paid",
    url=None,
    payment_intent_id="pi_1",
    payment_intent_status="succeeded",
)


SLOW = replace(PAID, payment_status="unpaid", payment_intent_status="processing")
FREE = replace(PAID, payment_status="no_payment_required", payment_intent_id=None, payment_intent_status=None)


def order(**changes: object) -> Order:
    return replace(ORDER, **cast("dict[str, Any]", changes))


def session(base: StripeLink = OPEN, **changes: object) -> StripeLink:
    return replace(base, **cast("dict[str, Any]", changes))


FEW_HOURS: dict[str, Any] = {"expires_at": NOW + timedelta(hours=11, minutes=59)}


ENOUGH: dict[str, Any] = {"expires_at": NOW + timedelta(hours=12)}


STRANGE: dict[str, Any] = {"url": "https://checkout.stripe.com.example.org/pay"}

TABLE: list[tuple[str, Order, StripeLink | None, str]] = [
    # open, right amount, currency, mode, and enough life left: keep it; fill in a missing URL
    ("open and as it should be", order(), OPEN, "keep"),
    ("just enough life left", order(), session(**ENOUGH), "keep"),
    ("the currency in capitals", order(currency="USD"), OPEN, "keep"),
    ("cents with a fraction of nothing", order(amount=Decimal("5500.00")), OPEN, "keep"),
    ("open, the URL never stored", order(url=None), OPEN, "backfill"),
    ("open, another URL stored", order(url="https://checkout.stripe.com/old"), OPEN, "backfill"),
    # open, but wrong amount or currency; order cancelled, paid in cash or decommitted: expire it
    ("open at another price", order(), session(amount_total=7500), "expire price_changed"),
    ("open without a total", order(), session(amount_total=None), "expire price_changed"),
    ("open in another currency", order(), session(currency="cad"), "expire price_changed"),
    ("open, the order cancelled", order(status="cancelled"), OPEN, "expire not_owed"),
    ("open, the order waived", order(status="waived"), OPEN, "expire not_owed"),
    ("open, the order refunded", order(status="refunded"), OPEN, "expire not_owed"),
    ("open, paid in cash", order(status="paid", payment_method="cash"), OPEN, "expire not_owed"),
    ("open, decommitted", order(committed=False), OPEN, "expire not_owed"),
    ("open, the fee not whole cents", order(amount=Decimal("5500.5")), OPEN, "expire under_review"),
    # open, nearly expired: replace it only where the new link is about to be mailed
    ("dies before the mail is read", order(), session(**FEW_HOURS), "expire dies_soon"),
    # expired, or the order never had one: make a new one
    ("expired", order(), EXPIRED, "create"),
    ("expired at another price", order(), session(EXPIRED, amount_total=7500), "create"),
    ("never had one", order(session_id=None, url=None), None, "create"),
    ("never had one, paid in cash", order(status="paid"), None, "nothing"),
    ("never had one, cancelled", order(status="cancelled"), None, "nothing"),
    ("never had one, decommitted", order(committed=False), None, "nothing"),
    ("expired, paid in cash", order(status="paid", payment_method="cash"), EXPIRED, "nothing"),
    ("expired, decommitted", order(committed=False), EXPIRED, "nothing"),
    ("expired, the fee nothing", order(amount=Decimal(0)), EXPIRED, "set_aside bad_amount"),
    ("never had one, less than nothing", order(amount=Decimal(-5500)), None, "set_aside bad_amount"),
    ("never had one, half a cent", order(amount=Decimal("55.5")), None, "set_aside bad_amount"),
    ("never had one, no currency", order(currency=""), None, "set_aside bad_amount"),
    ("never had one, a currency in words", order(currency="dollars"), None, "set_aside bad_amount"),
    # complete, paid, amount right: mark the order paid
    ("paid", order(), PAID, "mark_paid"),
    ("paid, decommitted since", order(committed=False), PAID, "mark_paid"),
    ("paid and stored as paid", order(status="paid", payment_method="stripe"), PAID, "note_paid"),
    ("paid and stored with its payment", order(status="paid", payment_intent_id="pi_1"), PAID, "note_paid"),
    # complete, paid, and that payment has settled the order before: a person knows whether it was refunded
    ("paid, refunded, owed again", order(settled=["cs_test_1"]), PAID, "set_aside paid_before"),
    (
        "paid, refunded, owed again at another price",
        order(settled=["cs_test_1"], amount=Decimal(4000)),
        PAID,
        "set_aside paid_before",
    ),
    ("owed again, paid through a new session", order(settled=["cs_test_0"]), PAID, "mark_paid"),
    (
        "refunded, owed again, no session",
        order(session_id=None, paid_before="cs_test_0"),
        None,
        "set_aside paid_before",
    ),
    ("refunded, owed again, open", order(paid_before="cs_test_0"), OPEN, "expire under_review"),
    ("refunded, owed again, expired", order(paid_before="cs_test_0"), EXPIRED, "set_aside paid_before"),
    # complete, paid, amount differs; or the order was refunded or cancelled: record the payment, set aside
    ("paid another amount", order(), session(PAID, amount_total=7500), "record_payment paid_other_amount"),
    ("paid in another currency", order(), session(PAID, currency="cad"), "record_payment paid_other_amount"),
    ("paid, then refunded", order(status="refunded"), PAID, "record_payment paid_refunded"),
    ("paid, but cancelled", order(status="cancelled"), PAID, "record_payment paid_cancelled"),
    ("paid, but waived", order(status="waived"), PAID, "record_payment paid_waived"),
    ("paid in cash too", order(status="paid", payment_method="cash"), PAID, "record_payment paid_twice"),
    ("paid twice", order(status="paid", payment_intent_id="pi_2"), PAID, "record_payment paid_twice"),
    # complete, unpaid (a slow payment method): leave it; if that payment then fails or is cancelled, make a new one
    ("a slow payment under way", order(), SLOW, "wait processing"),
    ("a slow payment, paid in cash since", order(status="paid"), SLOW, "wait processing"),
    ("a slow payment failed", order(), session(SLOW, payment_intent_status="requires_payment_method"), "create"),
    ("a slow payment cancelled", order(), session(SLOW, payment_intent_status="canceled"), "create"),
    (
        "a slow payment failed, cancelled order",
        order(status="cancelled"),
        session(SLOW, payment_intent_status="canceled"),
        "nothing",
    ),
    # complete, no payment required; wrong mode (live/test); anything else: set aside for a person
    ("no payment required", order(), FREE, "set_aside no_payment_required"),
    ("the other Stripe mode", order(), session(livemode=True), "set_aside wrong_session"),
    ("the other Stripe mode, paid", order(), session(PAID, livemode=True), "set_aside wrong_session"),
    ("the other Stripe mode, expired", order(), session(EXPIRED, livemode=True), "set_aside wrong_session"),
    ("not a payment", order(), session(mode="subscription"), "set_aside wrong_session"),
    ("a status of the future", order(), session(status="paused"), "set_aside unknown_status"),
    ("no status", order(), session(status=None), "set_aside unknown_status"),
    ("a URL that is not Stripe's", order(), session(**STRANGE), "set_aside strange_url"),
    ("no URL", order(), session(url=None), "set_aside strange_url"),
    # two uncancelled orders for one player and product: expire the one not ours (or set aside)
    ("a second order, no session", order(has_twin=True), None, "set_aside two_orders"),
    ("a second order, expired", order(has_twin=True), EXPIRED, "set_aside two_orders"),
    ("a second order, open", order(has_twin=True), OPEN, "expire under_review"),
    ("a second order, paid", order(has_twin=True), PAID, "mark_paid"),
]


@pytest.mark.parametrize(("an_order", "stripe_says", "verdict"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_the_decision_table(an_order: Order, stripe_says: StripeLink | None, verdict: str) -> None:
    judged = judge(an_order, stripe_says, now=NOW, policy=POLICY, purpose=Purpose(mailing=True))
    assert f"{judged.action} {judged.reason}".strip() == verdict
    assert judged.detail or not judged.reason


def test_a_link_that_dies_soon_stays_where_nothing_is_mailed() -> None:
    dying = session(expires_at=NOW + timedelta(minutes=1))
    assert judge(order(), dying, now=NOW, policy=POLICY, purpose=Purpose(mailing=False)).action is Action.KEEP
    looked_at = judge(order(url=None), dying, now=NOW, policy=POLICY, purpose=Purpose(mailing=False))
    assert looked_at.action is Action.BACKFILL


def test_our_clock_alone_never_makes_an_open_session_an_expired_one() -> None:
    overdue = session(expires_at=NOW - timedelta(hours=1))
    assert judge(order(), overdue, now=NOW, policy=POLICY, purpose=Purpose(mailing=True)).action is Action.EXPIRE
    assert judge(order(), overdue, now=NOW, policy=POLICY, purpose=Purpose(mailing=False)).action is Action.KEEP


@pytest.mark.parametrize(
    ("url", "admitted"),
    [
        (URL, True),
        ("https://CHECKOUT.stripe.com/c", True),
        ("https://checkout.stripe.com:443/c", True),
        ("http://checkout.stripe.com/c", False),
        ("https://checkout.stripe.com@example.org/c", False),
        ("https://someone@checkout.stripe.com/c", False),
        ("https://example.org/checkout.stripe.com", False),
        ("https://xcheckout.stripe.com/c", False),
        ("javascript:alert(1)", False),
        ("//checkout.stripe.com/c", False),
        ("", False),
        (None, False),
    ],
)
def test_only_stripes_own_pages_are_mailed(url: str | None, *, admitted: bool) -> None:
    assert POLICY.admits(url) is admitted
    assert replace(POLICY, allow_http=True).admits("http://checkout.stripe.com/c")


CURRENCIES = st.sampled_from(["usd", "USD", "cad", "", "dollars"])
ORDERS = st.builds(
    Order,
    id=st.just(7),
    status=st.sampled_from(["pending", "paid", "waived", "cancelled", "refunded"]),
    amount=st.one_of(
        st.sampled_from([Decimal(5500), Decimal(7500), Decimal("5500.5"), Decimal(0)]),
        st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    ),
    currency=CURRENCIES,
    session_id=st.sampled_from([None, "cs_test_1", "cs_test_2"]),
    url=st.sampled_from([None, URL, "https://checkout.stripe.com/old"]),
    payment_method=st.sampled_from([None, "stripe", "card", "cash"]),
    payment_intent_id=st.sampled_from([None, "pi_1", "pi_2"]),
    committed=st.booleans(),
    has_twin=st.booleans(),
    settled=st.sampled_from([(), ("cs_test_1",), ("cs_test_2",)]),
    paid_before=st.sampled_from([None, None, "cs_test_2"]),
)


SESSIONS = st.builds(
    StripeLink,
    id=st.just("cs_test_1"),
    status=st.sampled_from(["open", "complete", "expired", None, "paused"]),
    payment_status=st.sampled_from(["paid", "unpaid", "no_payment_required", "partial"]),
    mode=st.sampled_from(["payment", "payment", "payment", "setup", "subscription"]),
    livemode=st.sampled_from([False, False, False, True]),
    url=st.sampled_from([None, URL, "https://example.org/pay", "http://checkout.stripe.com/c"]),
    amount_total=st.sampled_from([None, 0, 5500, 7500]),
    currency=st.sampled_from([None, "usd", "cad"]),
    created=st.just(NOW - timedelta(hours=2)),
    expires_at=st.integers(-24, 24).map(lambda hours: NOW + timedelta(hours=hours)),
    metadata=st.just({}),
    payment_intent_id=st.sampled_from([None, "pi_1"]),
    payment_intent_status=st.sampled_from([None, "processing", "succeeded", "requires_payment_method", "canceled"]),
)


def priced_alike(an_order: Order, a_session: StripeLink) -> bool:
    return a_session.amount_total == an_order.amount and a_session.currency == an_order.currency.lower()


@given(an_order=ORDERS, a_session=SESSIONS, mailing=st.booleans())
def test_a_session_is_made_only_where_none_can_be_paid_and_somebody_owes(
    an_order: Order, a_session: StripeLink, *, mailing: bool
) -> None:
    if judge(an_order, a_session, now=NOW, policy=POLICY, purpose=Purpose(mailing=mailing)).action is Action.CREATE:
        failed = a_session.payment_intent_status in {"requires_payment_method", "canceled"}
        assert a_session.status == "expired" or (
            a_session.status == "complete" and a_session.payment_status == "unpaid" and failed
        )
        assert an_order.status == "pending"
        assert an_order.committed
        assert not an_order.has_twin
        assert an_order.paid_before is None
        assert an_order.amount == int(an_order.amount) > 0


@given(an_order=ORDERS, a_session=SESSIONS, mailing=st.booleans())
def test_an_order_is_marked_paid_only_with_its_own_amount(
    an_order: Order, a_session: StripeLink, *, mailing: bool
) -> None:
    if judge(an_order, a_session, now=NOW, policy=POLICY, purpose=Purpose(mailing=mailing)).action is Action.MARK_PAID:
        assert an_order.status == "pending"
        assert (a_session.status, a_session.payment_status) == ("complete", "paid")
        assert priced_alike(an_order, a_session)
        assert a_session.id not in an_order.settled, "a payment pays once"
        assert (a_session.mode, a_session.livemode) == ("payment", False)


@given(an_order=ORDERS, a_session=SESSIONS, mailing=st.booleans())
def test_a_link_is_kept_only_where_it_charges_what_is_owed(
    an_order: Order, a_session: StripeLink, *, mailing: bool
) -> None:
    judged = judge(an_order, a_session, now=NOW, policy=POLICY, purpose=Purpose(mailing=mailing)).action
    if judged in {Action.KEEP, Action.BACKFILL}:
        assert a_session.status == "open"
        assert an_order.owed
        assert not an_order.has_twin
        assert priced_alike(an_order, a_session)
        assert (a_session.mode, a_session.livemode) == ("payment", False)
        assert a_session.url == URL
        assert a_session.expires_at is not None
        assert not mailing or a_session.expires_at - NOW >= POLICY.minimum_life


@given(an_order=ORDERS, a_session=SESSIONS, mailing=st.booleans())
def test_only_open_sessions_are_expired(an_order: Order, a_session: StripeLink, *, mailing: bool) -> None:
    if judge(an_order, a_session, now=NOW, policy=POLICY, purpose=Purpose(mailing=mailing)).action is Action.EXPIRE:
        assert a_session.status == "open"
        assert a_session.livemode is POLICY.livemode


@given(ORDERS, SESSIONS)
def test_what_is_mailed_changes_nothing_but_a_link_that_dies_soon(an_order: Order, a_session: StripeLink) -> None:
    mailed = judge(an_order, a_session, now=NOW, policy=POLICY, purpose=Purpose(mailing=True))
    only_looked_at = judge(an_order, a_session, now=NOW, policy=POLICY, purpose=Purpose(mailing=False))
    if mailed != only_looked_at:
        assert mailed.reason == "dies_soon"
        assert only_looked_at.action in {Action.KEEP, Action.BACKFILL, Action.SET_ASIDE}


@given(an_order=ORDERS, a_session=SESSIONS, mailing=st.booleans())
def test_money_that_was_taken_is_never_passed_over(an_order: Order, a_session: StripeLink, *, mailing: bool) -> None:
    paid = replace(a_session, status="complete", payment_status="paid", mode="payment", livemode=False)
    judged = judge(an_order, paid, now=NOW, policy=POLICY, purpose=Purpose(mailing=mailing))
    if judged.action is Action.NOTE_PAID:
        assert an_order.status == "paid"
    elif judged.action is Action.SET_ASIDE:
        assert (judged.reason, paid.id in an_order.settled) == ("paid_before", True)
    else:
        assert judged.action in {Action.MARK_PAID, Action.RECORD_PAYMENT}


@given(an_order=ORDERS, a_session=SESSIONS, mailing=st.booleans())
def test_every_case_has_a_verdict_that_can_be_carried_out(
    an_order: Order, a_session: StripeLink, *, mailing: bool
) -> None:
    judged = judge(an_order, a_session, now=NOW, policy=POLICY, purpose=Purpose(mailing=mailing))
    assert bool(judged.reason) == bool(judged.detail)
    assert URL not in judged.detail


@pytest.mark.parametrize("session_id", [None, "cs_test_of_the_club"])
def test_a_link_is_stored_again_where_the_order_has_lost_its_session(session_id: str | None) -> None:
    lost = replace(ORDER, session_id=session_id)
    assert judge(lost, OPEN, now=NOW, policy=POLICY, purpose=Purpose(mailing=True)).action is Action.BACKFILL


@pytest.mark.parametrize("fee", ["NaN", "Infinity", "1E+20", "100000000"])
def test_a_fee_beyond_what_stripe_can_charge_is_set_aside(fee: str) -> None:
    assert amount_problem(replace(ORDER, amount=Decimal(fee)))
