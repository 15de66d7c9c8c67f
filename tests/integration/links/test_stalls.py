"""Orders' links where a worker was suspended, a request came late, or money came unseen: found by the state machine."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from tasks.core.errors import TransientError
from tasks.links.model import Charge, LinkOutcome
from tests.chaos.moments import Worker, watch_engine
from tests.support.harness import Pipeline, open_pipeline
from tests.support.small_club import SESSIONS, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    watch_engine(small_club.services.database.engine)
    return SmallClub.on(small_club)


@pytest.fixture
def order(club: SmallClub) -> int:
    return club.family()[0]


@pytest.fixture
def suspended(club: SmallClub, order: int) -> Iterator[Worker]:
    """A worker that has written down that it will ask for a session, and is suspended before it does."""
    worker = Worker(lambda: club.ensure_link(order), lambda *_: None)
    worker.go_on(before=f"POST {SESSIONS}")
    assert club.attempts(order) == [("pipeline", "requested")]
    club.sql("UPDATE tournament_fees.order_leases SET expires_at = now() - interval '1 second'")
    yield worker
    worker.go_on()
    assert worker.error is None


def lose_request(club: SmallClub, order: int, *, arrives: bool = False) -> None:
    club.pipeline.stand_in.add_fault("drop_after" if arrives else "drop_before", method="POST", count=2)
    with pytest.raises(TransientError):
        club.ensure_link(order)


# Workers that come back


def test_a_worker_that_comes_late_leaves_the_session_open_that_another_made_for_it(
    club: SmallClub, order: int, suspended: Worker
) -> None:
    link = club.ensure_link(order)
    assert link.url
    suspended.go_on(1)
    suspended.go_on()
    assert club.payable(order) == [link.session_id] == [club.order_now(order).stripe_checkout_session_id]


def test_a_worker_that_is_suspended_before_its_call_makes_no_second_session(
    club: SmallClub, order: int, suspended: Worker
) -> None:
    club.set_order(order, amount=4000)
    assert club.ensure_link(order).outcome is LinkOutcome.UNDER_REVIEW, "the request may be on its way"
    club.pipeline.later(timedelta(minutes=11))
    link = club.ensure_link(order)
    assert link.amount == 4000
    made = len(club.sessions(order))
    suspended.go_on(1)
    assert len(club.sessions(order)) == made
    assert club.payable(order) == [link.session_id]


def test_an_answer_to_an_attempt_that_was_given_up_is_closed_and_written_down(
    club: SmallClub, order: int, suspended: Worker
) -> None:
    club.sql("UPDATE tournament_fees.checkout_attempts SET state = 'absent'")
    suspended.go_on()
    assert club.payable(order) == []
    assert club.attempts(order) == [("pipeline", "expired")]


def test_what_a_worker_read_before_it_lost_its_lease_is_not_written(club: SmallClub, order: int) -> None:
    theirs = club.own_session(order)
    with club.while_stripe_holds("GET", f"{SESSIONS}/{theirs}", lambda: club.ensure_link(order)) as late:
        club.sql("UPDATE tournament_fees.order_leases SET expires_at = now() - interval '1 second'")
        club.pipeline.services.keeper.stripe.sessions.expire(theirs)
        club.set_order(order, stripe_checkout_session_id=None)
        link = club.ensure_link(order)
        assert link.url
    assert late.result().outcome is LinkOutcome.UNDER_REVIEW
    assert club.attempts(order) == [("pipeline", "open")]


def test_what_a_worker_read_is_not_written_where_another_one_holds_the_order(club: SmallClub, order: int) -> None:
    theirs = club.own_session(order)
    with club.while_stripe_holds("GET", f"{SESSIONS}/{theirs}", lambda: club.ensure_link(order)) as late:
        club.sql("UPDATE tournament_fees.order_leases SET token = gen_random_uuid()")
    assert late.result().outcome is LinkOutcome.UNDER_REVIEW
    assert club.attempts(order) == []


def test_a_link_is_not_stored_over_one_that_the_club_stored_while_it_was_made(club: SmallClub, order: int) -> None:
    with club.while_stripe_holds("POST", SESSIONS, lambda: club.ensure_link(order)) as check:
        club.set_order(order, stripe_checkout_session_id="cs_test_of_the_club")
    check.result()
    assert club.order_now(order).stripe_checkout_session_id == "cs_test_of_the_club"


def test_a_link_is_not_stored_under_a_lost_lease(club: SmallClub, order: int) -> None:
    with club.while_stripe_holds("POST", SESSIONS, lambda: club.ensure_link(order)) as check:
        club.sql("UPDATE tournament_fees.order_leases SET token = gen_random_uuid()")
    assert check.result().outcome is LinkOutcome.UNDER_REVIEW
    assert club.order_now(order).stripe_checkout_session_id is None


def test_the_index_allows_one_live_attempt_an_order(club: SmallClub, order: int) -> None:
    club.ensure_link(order)
    with pytest.raises(RuntimeError, match="checkout_attempts_one_live"):
        club.sql(
            "INSERT INTO tournament_fees.checkout_attempts"
            " (order_id, origin, requested_at, state, session_id, changed_at)"
            " VALUES (:id, 'club', now(), 'open', 'cs_test_second', now())",
            id=order,
        )


def test_a_worker_that_loses_its_lease_at_any_moment_before_its_attempt_makes_no_session(club: SmallClub) -> None:
    for moments in range(1, 40):
        (order,) = club.family(f"Family{moments}", f"family{moments}@example.com")
        worker = Worker(partial(club.ensure_link, order), lambda *_: None)
        worker.go_on(moments)
        begun = club.attempts(order)
        lost = club.sql("UPDATE tournament_fees.order_leases SET token = gen_random_uuid() RETURNING order_id")
        worker.go_on()
        assert worker.error is None
        if begun:
            return
        assert club.sessions(order) == [] or not lost, f"at moment {moments}"
    pytest.fail("no attempt was begun")


# Requests that come late


def test_a_request_that_was_sent_again_may_be_under_way_again(club: SmallClub, order: int) -> None:
    lose_request(club, order)
    club.pipeline.later(timedelta(hours=1))
    lose_request(club, order)
    club.set_order(order, amount=4000)
    assert club.ensure_link(order).outcome is LinkOutcome.UNDER_REVIEW
    (sent,) = club.sql("SELECT idempotency_key, request FROM tournament_fees.checkout_attempts")
    client = club.pipeline.stripe_client()
    client.v1.checkout.sessions.create(
        sent.request, {"idempotency_key": str(sent.idempotency_key)}
    )  # the network delivers it after all
    assert club.ensure_link(order).amount == 4000
    assert len(club.payable(order)) == 1


def test_a_request_that_is_refused_when_sent_again_may_have_made_a_session_at_first(
    club: SmallClub, order: int
) -> None:
    lose_request(club, order, arrives=True)
    club.pipeline.stand_in.advance_clock(timedelta(hours=24, minutes=10).total_seconds())  # Stripe's clock is not ours
    club.ensure_link(order)
    (session,) = club.sessions(order)
    assert club.one("SELECT session_id FROM tournament_fees.checkout_attempts WHERE state = 'expired'") == session["id"]


def test_a_replayed_request_has_time_left_as_long_as_its_key_lives(club: SmallClub, order: int) -> None:
    lose_request(club, order)
    club.pipeline.later(timedelta(hours=22, minutes=59))
    assert club.ensure_link(order, mailing=False).url
    assert club.attempts(order) == [("pipeline", "open")]


def test_a_key_that_stripe_has_seen_with_another_request_is_cleared_up_by_listing(club: SmallClub, order: int) -> None:
    lose_request(club, order, arrives=True)
    club.sql(
        "UPDATE tournament_fees.checkout_attempts SET request = jsonb_set(request, '{success_url}', '\"https://a.b\"')"
    )
    link = club.ensure_link(order)
    (session,) = club.sessions(order)
    assert link.session_id == session["id"]


def test_a_replayed_answer_may_be_stale(club: SmallClub, order: int) -> None:
    lose_request(club, order, arrives=True)
    (session,) = club.sessions(order)
    club.pipeline.services.keeper.stripe.sessions.expire(session["id"])
    link = club.ensure_link(order)
    assert club.payable(order) == [link.session_id] != [session["id"]]


# Money that came unseen


@pytest.mark.parametrize("beside", ["nothing", "another session"])
def test_an_order_with_a_payment_on_record_gets_no_new_link(club: SmallClub, order: int, beside: str) -> None:
    club.pipeline.stand_in.pay(club.own_session(order), amount_total=1234)
    club.ensure_link(order)
    if beside == "nothing":
        club.set_order(order, stripe_checkout_session_id=None)
    else:
        club.own_session(order)
    assert club.ensure_link(order).url is None
    assert club.payable(order) == []
    assert len(club.set_aside(order)) == 1


def test_what_is_said_of_money_is_not_replaced_by_a_lesser_trouble(club: SmallClub) -> None:
    player = club.player(club.parent())
    order = club.order(player)
    club.pipeline.stand_in.pay(club.own_session(order), amount_total=1234)
    club.ensure_link(order)
    club.set_order(order, stripe_checkout_session_id="cs_test_of_nobody")
    club.ensure_link(order)
    assert club.set_aside(order) == ["paid_other_amount"]


def test_a_payment_of_another_amount_that_becomes_the_price_settles_its_order(club: SmallClub, order: int) -> None:
    club.pipeline.stand_in.pay(club.own_session(order), amount_total=1234)
    club.ensure_link(order)
    club.set_order(order, amount=1234)
    assert club.ensure_link(order).outcome is LinkOutcome.FOUND_PAID
    assert club.set_aside(order) == []
    assert club.sql("SELECT finding FROM tournament_fees.payments") == [("settled",)]


def test_no_link_is_made_beside_a_slow_payment_that_the_order_does_not_show(club: SmallClub, order: int) -> None:
    ours = club.ensure_link(order).session_id
    theirs = club.own_session(order)
    for session in (str(ours), theirs):
        club.pipeline.stand_in.pay(session, slow=True)
    club.ensure_link(order)
    club.set_order(order, stripe_checkout_session_id=None)
    club.pipeline.stand_in.fail(str(ours))
    assert club.ensure_link(order).url is None
    assert club.payable(order) == []
    club.pipeline.stand_in.fail(theirs)
    club.ensure_link(order)
    assert len(club.payable(order)) == 1


def test_a_slow_payment_is_kept_and_the_open_session_beside_it_closed(club: SmallClub, order: int) -> None:
    club.ensure_link(order)
    theirs = club.own_session(order)
    club.pipeline.stand_in.pay(theirs, slow=True)
    assert club.ensure_link(order).outcome is LinkOutcome.PROCESSING
    assert club.payable(order) == []


def test_a_slow_payment_of_a_cancelled_order_is_looked_at_until_it_ends(club: SmallClub, order: int) -> None:
    session = str(club.ensure_link(order).session_id)
    club.pipeline.stand_in.pay(session, slow=True)
    club.ensure_link(order)
    club.set_order(order, status="cancelled")
    assert club.ensure_link(order).outcome is LinkOutcome.PROCESSING
    club.pipeline.stand_in.settle(session)
    assert club.ensure_link(order).outcome is LinkOutcome.SET_ASIDE
    assert club.set_aside(order) == ["paid_cancelled"]


# A payment for one order, stored by the club in another


@pytest.mark.parametrize("first", [True, False])
def test_a_payment_does_not_pay_another_order_that_stores_its_session(
    club: SmallClub, order: int, *, first: bool
) -> None:
    other = club.family("Berg", "bo.berg@example.org")[0]
    paid = club.own_session(order)
    club.pipeline.stand_in.pay(paid)
    club.set_order(order, status="cancelled")
    club.own_session(order)
    club.set_order(other, stripe_checkout_session_id=paid)
    club.pipeline.services.stripe_lists.sweep()
    for number in (order, other) if first else (other, order):
        club.ensure_link(number)
    assert club.order_now(other).status == "pending"
    assert club.set_aside(other) == ["another_order"]
    assert club.set_aside(order) == ["paid_cancelled"]


def test_a_payment_on_record_for_one_order_does_not_pay_another_though_nobody_says_whose_sessions_are(
    club: SmallClub, order: int
) -> None:
    other = club.family("Berg", "bo.berg@example.org")[0]
    with open_pipeline(
        club.pipeline.services.settings.model_copy(update={"club_reference": None}),
        club.pipeline.stand_in,
        club.pipeline.inbox,
    ) as unsaid:
        paid = club.own_session(order)
        club.pipeline.stand_in.pay(paid)
        club.set_order(order, status="cancelled")
        keeper, charge = unsaid.services.keeper, Charge("Entry", "Max Ek")
        assert keeper.ensure_link(order, charge, mailing=False).outcome is LinkOutcome.SET_ASIDE
        club.set_order(order, stripe_checkout_session_id=None)
        club.set_order(other, stripe_checkout_session_id=paid)
        assert keeper.ensure_link(other, charge, mailing=False).outcome is LinkOutcome.SET_ASIDE
    assert club.order_now(other).status == "pending"
    assert club.set_aside(other) == ["another_order"]
