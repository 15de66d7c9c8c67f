"""Orders' links over real parts: whatever Stripe, the club, payers and networks do, one can be paid at most."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Literal
from uuid import UUID, uuid4

import pytest

from deployments.local.stripe_standin.faults import FaultName
from tasks.core.errors import ConfigurationError, TransientError
from tasks.links.model import LinkOutcome
from tasks.links.stripe_api.rate_limit import MAX_REFUSALS
from tests.support.harness import LIVE_KEY, Pipeline, open_pipeline
from tests.support.small_club import FEE, SESSIONS, SmallClub

Method = Literal["GET", "POST"]
SELDOM = partial(pytest.param, marks=pytest.mark.only_long)


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    return SmallClub.on(small_club)


@pytest.fixture
def order(club: SmallClub) -> int:
    return club.family()[0]


def expired_session(club: SmallClub, order: int) -> str:
    session = club.own_session(order)
    club.pipeline.later(timedelta(hours=25))
    return session


# What Stripe says, and what is done


def test_an_order_without_a_session_gets_one(club: SmallClub, order: int) -> None:
    link = club.ensure_link(order)
    now = club.order_now(order)
    assert link.outcome is LinkOutcome.MADE
    assert club.payable(order) == [link.session_id] == [now.stripe_checkout_session_id]
    assert link.url == now.stripe_checkout_url
    assert (link.amount, link.currency) == (FEE, "usd")
    assert club.attempts(order) == [("pipeline", "open")]


def test_a_live_link_is_kept_without_writing_to_stripe(club: SmallClub, order: int) -> None:
    made = club.ensure_link(order)
    club.pipeline.stand_in.clear_requests()
    kept = club.ensure_link(order)
    assert (kept.outcome, kept.url) == (LinkOutcome.KEPT, made.url)
    assert {request["method"] for request in club.pipeline.stand_in.requests()} == {"GET"}


def test_an_expired_session_is_replaced_and_its_history_kept(club: SmallClub, order: int) -> None:
    old = expired_session(club, order)
    link = club.ensure_link(order)
    assert link.outcome is LinkOutcome.RENEWED
    assert club.payable(order) == [link.session_id] != [old]
    assert club.attempts(order) == [("club", "expired"), ("pipeline", "open")]


def test_a_url_that_was_never_stored_is_filled_in(club: SmallClub, order: int) -> None:
    session = club.own_session(order, store_url=False)
    link = club.ensure_link(order)
    assert (link.outcome, link.session_id) == (LinkOutcome.BACKFILLED, session)
    assert club.order_now(order).stripe_checkout_url == link.url
    assert len(club.sessions(order)) == 1


def test_a_session_at_the_old_price_is_replaced(club: SmallClub, order: int) -> None:
    club.own_session(order, amount=7500)
    link = club.ensure_link(order)
    assert (link.outcome, link.amount) == (LinkOutcome.RENEWED, FEE)
    assert [(s["status"], s["amount_total"]) for s in club.sessions(order)] == [("open", FEE), ("expired", 7500)]


def test_a_link_that_dies_soon_is_replaced_only_where_it_is_about_to_be_mailed(club: SmallClub, order: int) -> None:
    first = club.ensure_link(order)
    club.pipeline.later(timedelta(hours=13))
    assert club.ensure_link(order, mailing=False).session_id == first.session_id
    renewed = club.ensure_link(order, mailing=True)
    assert renewed.outcome is LinkOutcome.RENEWED
    assert club.payable(order) == [renewed.session_id] != [first.session_id]


def test_a_payment_that_the_webhook_missed_is_found(club: SmallClub, order: int) -> None:
    session = club.own_session(order)
    paid = club.pipeline.stand_in.pay(session)
    link = club.ensure_link(order)
    now = club.order_now(order)
    assert (link.outcome, link.url) == (LinkOutcome.FOUND_PAID, None)
    assert (now.status, now.payment_method, now.stripe_payment_intent_id) == ("paid", "stripe", paid["payment_intent"])
    assert club.sql("SELECT session_id, finding FROM tournament_fees.payments") == [(session, "settled")]
    assert club.ensure_link(order).outcome is LinkOutcome.ALREADY_PAID


def test_a_payment_of_another_amount_is_for_a_person(club: SmallClub, order: int) -> None:
    club.pipeline.stand_in.pay(club.own_session(order, amount=7500))
    for _ in range(2):
        assert club.ensure_link(order).outcome is LinkOutcome.SET_ASIDE
    assert club.order_now(order).status == "pending"
    assert club.set_aside(order) == ["paid_other_amount"]
    assert club.sql("SELECT amount, finding FROM tournament_fees.payments") == [(7500, "paid_other_amount")]


@pytest.mark.parametrize("status", ["refunded", "cancelled", "waived"])
def test_a_paid_session_never_brings_an_order_back(club: SmallClub, order: int, status: str) -> None:
    club.pipeline.stand_in.pay(club.own_session(order))
    club.set_order(order, status=status)
    assert club.ensure_link(order).outcome is LinkOutcome.SET_ASIDE
    assert club.order_now(order).status == status
    assert club.set_aside(order) == [f"paid_{status}"]


@pytest.mark.parametrize("status", ["paid", "cancelled", "waived", "refunded"])
def test_an_open_session_of_an_order_that_is_not_owed_is_closed(club: SmallClub, order: int, status: str) -> None:
    club.own_session(order)
    club.set_order(order, status=status, payment_method="cash" if status == "paid" else None)
    link = club.ensure_link(order)
    assert (link.outcome, link.url) == (LinkOutcome.CLOSED, None)
    assert club.payable(order) == []
    assert len(club.sessions(order)) == 1


def test_the_session_of_a_player_who_left_is_closed(club: SmallClub, order: int) -> None:
    club.ensure_link(order)
    assert club.ensure_link(order, committed=False).outcome is LinkOutcome.CLOSED
    assert club.payable(order) == []
    assert club.ensure_link(order, committed=False).outcome is LinkOutcome.NOT_OWED


def test_a_player_who_comes_back_gets_a_new_link(club: SmallClub, order: int) -> None:
    club.ensure_link(order)
    club.ensure_link(order, committed=False)
    assert club.ensure_link(order).outcome is LinkOutcome.RENEWED


def test_a_slow_payment_is_waited_for(club: SmallClub, order: int) -> None:
    session = club.own_session(order)
    club.pipeline.stand_in.pay(session, slow=True)
    assert club.ensure_link(order).outcome is LinkOutcome.PROCESSING
    club.pipeline.later(timedelta(days=3))
    assert club.ensure_link(order).outcome is LinkOutcome.PROCESSING
    club.pipeline.stand_in.settle(session)
    assert club.ensure_link(order).outcome is LinkOutcome.FOUND_PAID
    assert len(club.sessions(order)) == 1


@pytest.mark.parametrize("canceled", [False, True])
def test_a_slow_payment_that_fails_makes_room_for_a_new_link(club: SmallClub, order: int, *, canceled: bool) -> None:
    link = club.ensure_link(order)
    assert link.session_id
    club.pipeline.stand_in.pay(link.session_id, slow=True)
    assert club.ensure_link(order).outcome is LinkOutcome.PROCESSING
    club.pipeline.stand_in.fail(link.session_id, canceled=canceled)
    assert club.ensure_link(order).outcome is LinkOutcome.RENEWED
    assert [s["status"] for s in club.sessions(order)] == ["open", "complete"]


def test_a_session_completed_without_a_payment_is_for_a_person(club: SmallClub, order: int) -> None:
    club.pipeline.stand_in.pay(club.own_session(order), amount_total=0)
    assert club.ensure_link(order).outcome is LinkOutcome.SET_ASIDE
    assert (club.set_aside(order), club.order_now(order).status) == (["no_payment_required"], "pending")


def test_an_unknown_session_is_for_a_person_and_makes_none(club: SmallClub, order: int) -> None:
    club.set_order(order, stripe_checkout_session_id="cs_test_of_nobody")
    assert club.ensure_link(order).outcome is LinkOutcome.SET_ASIDE
    assert club.set_aside(order) == ["unknown_session"]
    assert club.sessions(order) == []


def test_a_session_of_the_other_mode_stops_everything_and_makes_none(club: SmallClub, order: int) -> None:
    club.own_session(order, key=LIVE_KEY)
    club.pipeline.stand_in.clear_requests()
    with pytest.raises(ConfigurationError, match="STRIPE_API_KEY is of another mode"):
        club.ensure_link(order)
    assert club.calls() == []


def test_two_orders_for_one_child_are_for_a_person(club: SmallClub) -> None:
    player = club.player(club.parent())
    orders = [club.order(player), club.order(player)]
    club.own_session(orders[0])
    for order in orders:
        link = club.ensure_link(order)
        assert (link.outcome, link.url) == (LinkOutcome.SET_ASIDE, None)
        assert club.payable(order) == []
        assert club.set_aside(order) == ["two_orders"]
    club.set_order(orders[1], status="cancelled")
    assert club.ensure_link(orders[0]).url
    assert club.set_aside(orders[0]) == []


def test_a_fee_below_stripes_minimum_is_for_a_person(club: SmallClub, order: int) -> None:
    club.set_order(order, amount=10)
    assert club.ensure_link(order).outcome is LinkOutcome.SET_ASIDE
    assert club.set_aside(order) == ["refused_by_stripe"]
    assert club.attempts(order) == [("pipeline", "refused")]
    club.set_order(order, amount=FEE)
    assert club.ensure_link(order).outcome is LinkOutcome.MADE
    assert club.set_aside(order) == []


# Payers, between our read and our write


def test_a_payment_just_before_the_expiry_is_not_lost(club: SmallClub, order: int) -> None:
    session = club.own_session(order)
    club.pipeline.later(timedelta(hours=13))
    club.pipeline.stand_in.add_fault("pay_first", method="POST", path_prefix=f"{SESSIONS}/{session}/expire")
    assert club.ensure_link(order).outcome is LinkOutcome.FOUND_PAID
    assert len(club.sessions(order)) == 1


def test_a_payment_of_the_old_price_just_before_the_expiry_is_for_a_person(club: SmallClub, order: int) -> None:
    session = club.own_session(order, amount=7500)
    club.pipeline.stand_in.add_fault("pay_first", method="POST", path_prefix=f"{SESSIONS}/{session}/expire")
    assert club.ensure_link(order).outcome is LinkOutcome.SET_ASIDE
    assert club.set_aside(order) == ["paid_other_amount"]
    assert len(club.sessions(order)) == 1


# The club's own system, while a call to Stripe is under way


def test_a_price_that_changes_while_a_session_is_made_closes_it_and_makes_another(club: SmallClub, order: int) -> None:
    with club.while_stripe_holds("POST", SESSIONS, lambda: club.ensure_link(order)) as check:
        assert len(club.sessions(order)) == 1
        club.set_order(order, amount=4000)
    link = check.result()
    assert (link.outcome, link.amount) == (LinkOutcome.MADE, 4000)
    assert [(s["status"], s["amount_total"]) for s in club.sessions(order)] == [("open", 4000), ("expired", FEE)]
    assert club.order_now(order).stripe_checkout_session_id == link.session_id


def test_an_order_paid_in_cash_while_its_session_is_made_keeps_none(club: SmallClub, order: int) -> None:
    with club.while_stripe_holds("POST", SESSIONS, lambda: club.ensure_link(order)) as check:
        club.set_order(order, status="paid", payment_method="cash")
    assert check.result().outcome is LinkOutcome.CLOSED
    assert club.payable(order) == []
    assert club.order_now(order).stripe_checkout_session_id is None


def test_a_session_stored_by_the_club_while_ours_is_made_leaves_one(club: SmallClub, order: int) -> None:
    with club.while_stripe_holds("POST", SESSIONS, lambda: club.ensure_link(order)) as check:
        club.own_session(order)
    link = check.result()
    assert club.payable(order) == [link.session_id] == [club.order_now(order).stripe_checkout_session_id]


def test_a_price_that_changes_between_look_and_write_is_never_asked_for(club: SmallClub, order: int) -> None:
    session = expired_session(club, order)
    with club.while_stripe_holds("GET", f"{SESSIONS}/{session}", lambda: club.ensure_link(order)) as check:
        club.set_order(order, amount=4000)
    assert check.result().amount == 4000
    assert [s["amount_total"] for s in club.sessions(order)] == [4000, FEE], "the second is the club's own"


@pytest.mark.parametrize("status", ["paid", "cancelled", "waived"])
def test_an_order_that_is_settled_between_look_and_write_gets_no_session(
    club: SmallClub, order: int, status: str
) -> None:
    session = expired_session(club, order)
    with club.while_stripe_holds("GET", f"{SESSIONS}/{session}", lambda: club.ensure_link(order)) as check:
        club.set_order(order, status=status)
    assert check.result().url is None
    assert [s["id"] for s in club.sessions(order)] == [session]


def test_a_payment_recorded_by_the_webhook_meanwhile_is_left_as_it_is(club: SmallClub, order: int) -> None:
    session = club.own_session(order)
    club.pipeline.stand_in.pay(session)
    with club.while_stripe_holds("GET", f"{SESSIONS}/{session}", lambda: club.ensure_link(order)) as check:
        club.set_order(order, status="paid", payment_method="card")
    assert check.result().outcome is LinkOutcome.ALREADY_PAID
    assert club.order_now(order).payment_method == "card"


def test_a_worker_that_lost_its_lease_makes_no_session(club: SmallClub, order: int) -> None:
    session = expired_session(club, order)
    with club.while_stripe_holds("GET", f"{SESSIONS}/{session}", lambda: club.ensure_link(order)) as check:
        club.sql("UPDATE tournament_fees.order_leases SET token = :token", token=uuid4())
    assert check.result().outcome is LinkOutcome.UNDER_REVIEW
    assert [s["id"] for s in club.sessions(order)] == [session]
    assert club.sql("SELECT order_id FROM tournament_fees.order_leases") == [(order,)], "not ours to give back"


@pytest.mark.parametrize("first", ["ours", "the club's"])
def test_a_session_of_the_club_over_ours_leaves_one_that_can_be_paid(club: SmallClub, order: int, first: str) -> None:
    if first == "ours":
        club.ensure_link(order)
    else:
        club.own_session(order)
        club.ensure_link(order)
    club.own_session(order)
    assert len(club.payable(order)) == 2, "the trouble that the club's system makes"
    link = club.ensure_link(order)
    assert club.payable(order) == [link.session_id] == [club.order_now(order).stripe_checkout_session_id]
    assert link.url == club.order_now(order).stripe_checkout_url


def test_a_payment_through_a_session_that_the_club_overwrote_is_found(club: SmallClub, order: int) -> None:
    ours = club.ensure_link(order)
    club.own_session(order)
    assert ours.session_id
    club.pipeline.stand_in.pay(ours.session_id)
    assert club.ensure_link(order).outcome is LinkOutcome.FOUND_PAID
    assert club.payable(order) == []
    assert club.order_now(order).stripe_checkout_session_id == ours.session_id


def test_a_payment_through_the_clubs_session_closes_ours(club: SmallClub, order: int) -> None:
    club.ensure_link(order)
    theirs = club.own_session(order)
    club.pipeline.stand_in.pay(theirs)
    assert club.ensure_link(order).outcome is LinkOutcome.FOUND_PAID
    assert club.payable(order) == []
    assert club.order_now(order).stripe_checkout_session_id == theirs


def test_a_session_that_the_club_took_off_its_order_is_put_back(club: SmallClub, order: int) -> None:
    ours = club.ensure_link(order)
    club.set_order(order, stripe_checkout_session_id=None, stripe_checkout_url=None)
    link = club.ensure_link(order)
    assert (link.outcome, link.session_id) == (LinkOutcome.BACKFILLED, ours.session_id)
    assert len(club.sessions(order)) == 1


# Networks, crashes, and Stripe out of order. The SDK tries a call twice, so a fault is staged twice.


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_a_lost_reply_is_cleared_up_with_the_same_key(club: SmallClub, order: int, fault: FaultName) -> None:
    club.pipeline.stand_in.add_fault(fault, method="POST", count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)
    assert club.attempts(order) == [("pipeline", "requested")]
    link = club.ensure_link(order)
    assert club.payable(order) == [link.session_id]
    assert len(club.sessions(order)) == 1
    assert len({call["idempotency_key"] for call in club.calls()}) == 1
    assert club.order_now(order).stripe_checkout_url == link.url


def test_a_lost_reply_of_a_session_that_expired_meanwhile_is_read_again(club: SmallClub, order: int) -> None:
    club.pipeline.stand_in.add_fault("drop_after", method="POST", count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)
    (session,) = club.sessions(order)
    club.pipeline.stand_in.pay(session["id"])
    assert club.ensure_link(order).outcome is LinkOutcome.FOUND_PAID, "the replayed answer still says open"
    assert len(club.sessions(order)) == 1


def test_a_failure_after_the_session_was_made_is_found_by_listing(club: SmallClub, order: int) -> None:
    club.pipeline.stand_in.add_fault("500_after_commit", method="POST")
    link = club.ensure_link(order)
    assert link.url
    assert len(club.sessions(order)) == 1
    assert club.calls("GET"), "the list"
    assert club.order_now(order).stripe_checkout_session_id == link.session_id


def test_a_failure_that_made_nothing_waits_until_nothing_can_be_under_way(club: SmallClub, order: int) -> None:
    club.pipeline.stand_in.add_fault("500", method="POST")
    assert club.ensure_link(order).outcome is LinkOutcome.UNDER_REVIEW
    club.pipeline.later(timedelta(minutes=9))
    assert club.ensure_link(order).outcome is LinkOutcome.UNDER_REVIEW
    assert club.attempts(order) == [("pipeline", "unknown")]
    club.pipeline.later(timedelta(minutes=2))
    assert club.ensure_link(order).outcome is LinkOutcome.MADE
    assert len(club.sessions(order)) == 1
    assert club.attempts(order) == [("pipeline", "absent"), ("pipeline", "open")]


@pytest.mark.parametrize(("fault", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_a_key_that_may_be_forgotten_is_not_used_again(
    club: SmallClub, order: int, fault: FaultName, made: int
) -> None:
    club.pipeline.stand_in.add_fault(fault, method="POST", count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)
    (key,) = {call["idempotency_key"] for call in club.calls()}
    club.pipeline.stand_in.clear_requests()
    club.pipeline.later(timedelta(hours=23, minutes=35))
    link = club.ensure_link(order, mailing=False)
    assert key not in {call["idempotency_key"] for call in club.calls()}
    assert len(club.calls()) == 1 - made
    assert club.payable(order) == [link.session_id]
    assert len(club.sessions(order)) == 1


def test_a_lost_reply_to_an_expiry_is_looked_up(club: SmallClub, order: int) -> None:
    session = club.own_session(order, amount=7500)
    club.pipeline.stand_in.add_fault("drop_after", method="POST", path_prefix=f"{SESSIONS}/{session}", count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)
    link = club.ensure_link(order)
    assert (link.outcome, link.amount) == (LinkOutcome.RENEWED, FEE)
    assert len(club.sessions(order)) == 2


@pytest.mark.parametrize("fault", ["429", SELDOM("429_retry_after"), SELDOM("lock_timeout")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_call_too_many_is_made_again_when_everybody_has_waited(
    club: SmallClub, order: int, fault: FaultName, method: Method
) -> None:
    expired_session(club, order)
    club.pipeline.stand_in.add_fault(fault, method=method, count=2, seconds=0)
    assert club.ensure_link(order).outcome is LinkOutcome.RENEWED
    assert len(club.sessions(order)) == 2
    assert club.pipeline.stand_in.faults() == []
    (waits,) = club.sql("SELECT count(*) AS kinds FROM tournament_fees.paces WHERE name LIKE '%Stripe (test)'")
    assert waits.kinds == 2


@pytest.mark.only_long
def test_a_call_that_stripe_never_has_time_for_is_left_for_later(club: SmallClub, order: int) -> None:
    session = expired_session(club, order)
    club.pipeline.stand_in.add_fault("429", method="POST", count=MAX_REFUSALS)
    with pytest.raises(TransientError, match="asks for fewer calls"):
        club.ensure_link(order)
    assert [s["id"] for s in club.sessions(order)] == [session]
    assert club.pipeline.stand_in.faults() == []
    assert club.ensure_link(order).url
    assert len(club.sessions(order)) == 2


def test_all_workers_wait_as_long_as_stripe_asks(club: SmallClub, order: int) -> None:
    club.pipeline.stand_in.add_fault("429_retry_after", method="POST", seconds=3600)
    with pytest.raises(TransientError, match="writes to Stripe"):
        club.ensure_link(order)
    with open_pipeline(club.pipeline.services.settings, club.pipeline.stand_in, club.pipeline.inbox) as other:
        other.services.stripe.check()  # reads go on
        with pytest.raises(TransientError, match="writes to Stripe"):
            SmallClub(other).ensure_link(order)
    assert len(club.calls()) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_stripe_is_still_at_is_asked_later(club: SmallClub, order: int, method: Method) -> None:
    session = expired_session(club, order)
    club.pipeline.stand_in.add_fault("409", method=method, count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)
    assert [s["id"] for s in club.sessions(order)] == [session]
    assert club.ensure_link(order).url
    assert len(club.sessions(order)) == 2


def test_two_workers_at_once_make_one_session(club: SmallClub, order: int) -> None:
    with club.while_stripe_holds("POST", SESSIONS, lambda: club.ensure_link(order)) as first:
        second = club.ensure_link(order)
        assert (second.outcome, second.url) == (LinkOutcome.UNDER_REVIEW, None)
    assert first.result().outcome is LinkOutcome.MADE
    assert len(club.sessions(order)) == 1
    assert club.ensure_link(order).outcome is LinkOutcome.KEPT


def test_many_workers_at_once_make_one_session(club: SmallClub, order: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        links = list(pool.map(lambda _: club.ensure_link(order), range(8)))
    assert {link.outcome for link in links} <= {LinkOutcome.MADE, LinkOutcome.KEPT, LinkOutcome.UNDER_REVIEW}
    assert [link.outcome for link in links].count(LinkOutcome.MADE) == 1
    assert len(club.sessions(order)) == 1
    assert club.sql("SELECT order_id FROM tournament_fees.order_leases") == []


def test_a_dead_workers_lease_is_taken_over_once_it_has_expired(club: SmallClub, order: int) -> None:
    club.sql(
        "INSERT INTO tournament_fees.order_leases VALUES (:id, :token, now() + interval '1 minute')",
        id=order,
        token=UUID(int=1),
    )
    assert club.ensure_link(order).outcome is LinkOutcome.UNDER_REVIEW
    assert club.sessions(order) == []
    club.sql("UPDATE tournament_fees.order_leases SET expires_at = now() - interval '1 second'")
    assert club.ensure_link(order).outcome is LinkOutcome.MADE


def test_a_worker_that_died_between_stripes_answer_and_the_order_leaves_its_session_to_the_next(
    club: SmallClub, order: int
) -> None:
    link = club.ensure_link(order)
    club.set_order(order, stripe_checkout_session_id=None, stripe_checkout_url=None)
    club.sql(
        "UPDATE tournament_fees.checkout_attempts SET state = 'requested', session_id = NULL, url = NULL"
        " WHERE order_id = :id",
        id=order,
    )
    assert club.ensure_link(order).session_id == link.session_id
    assert len(club.sessions(order)) == 1
