"""Payment links over real parts: whatever Stripe, the club, parents and networks do, an order is payable once."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Literal

import pytest
from pydantic import SecretStr

from deployments.local.stripe_standin.faults import FaultName
from tasks.core.errors import ConfigurationError, TransientError
from tasks.links.model import Charge, LinkKind, LinkOutcome
from tasks.links.stripe_params import ORDER_KEY
from tasks.refresh.options import RefreshOptions
from tasks.services import open_services
from tests.chaos.moments import Worker, watch_engine
from tests.support.harness import Pipeline
from tests.support.link_club import LinkClub
from tests.support.small_club import FEE, PAYMENT_LINKS, SESSIONS

SESSION = LinkKind.CHECKOUT_SESSION
SELDOM = partial(pytest.param, marks=pytest.mark.only_long)


@pytest.fixture
def club(small_club: Pipeline) -> LinkClub:
    return LinkClub.on(small_club)


@pytest.fixture
def order(club: LinkClub) -> int:
    return club.family()[0]


# Made, kept, paid


def test_an_order_gets_a_link_that_can_be_used_once(club: LinkClub, order: int) -> None:
    link = club.tend_link(order)
    (made,) = club.links(order)
    now = club.order_now(order)
    assert link.outcome is LinkOutcome.MADE
    assert (made["id"], made["active"], made["currency"]) == (link.session_id, True, "usd")
    assert made["restrictions"]["completed_sessions"] == {"count": 0, "limit": 1}
    assert (now.stripe_checkout_session_id, now.stripe_checkout_url) == (made["id"], link.url)
    assert (link.amount, link.currency, link.expires_at, link.kind) == (FEE, "usd", None, LinkKind.PAYMENT_LINK)
    assert club.attempts(order) == [("pipeline", "open")]


def test_what_is_paid_through_it_leads_back_to_the_order(club: LinkClub, order: int) -> None:
    club.tend_link(order)
    visit = club.visit(order)
    session = next(session for session in club.visits(order) if session["id"] == visit)
    assert session["metadata"] == club.links(order)[0]["metadata"]
    intent = club.pipeline.stand_in.pay(visit)["payment_intent"]
    client = club.pipeline.stripe_client()
    assert client.v1.payment_intents.retrieve(intent).metadata.to_dict() == session["metadata"]
    assert session["metadata"][ORDER_KEY] == str(order)


@pytest.mark.parametrize("days", [2, 14])
def test_it_lives_on_and_is_kept_without_writing_to_stripe(club: LinkClub, order: int, days: int) -> None:
    made = club.tend_link(order)
    club.visit(order)
    club.pipeline.later(timedelta(days=days))
    club.pipeline.stand_in.clear_requests()
    kept = club.tend_link(order)
    assert (kept.outcome, kept.url) == (LinkOutcome.KEPT, made.url)
    assert [request["method"] for request in club.pipeline.stand_in.requests()] == ["GET", "GET"]
    assert club.visit(order)


def test_a_payment_through_it_is_found_and_the_link_switched_off(club: LinkClub, order: int) -> None:
    club.tend_link(order)
    visit = club.pay(order)
    link = club.tend_link(order)
    now = club.order_now(order)
    assert (link.outcome, link.url) == (LinkOutcome.FOUND_PAID, None)
    assert (now.status, now.payment_method, now.stripe_checkout_session_id) == ("paid", "stripe", visit)
    assert now.stripe_payment_intent_id.startswith("pi_")
    assert club.findings() == [(visit, "settled")]
    switched = [
        request["parameters"]["active"] for request in club.calls(path=f"{PAYMENT_LINKS}/{club.links(order)[0]['id']}")
    ]
    assert switched == ["false"]
    assert club.sql("SELECT FROM tournament_fees.checkout_attempts WHERE rival_closed_at IS NOT NULL") == []
    club.pipeline.stand_in.clear_requests()
    assert club.tend_link(order).outcome is LinkOutcome.ALREADY_PAID
    assert club.pipeline.stand_in.requests() == []


def test_the_sweep_finds_a_payment_that_nobody_looks_for(club: LinkClub, order: int) -> None:
    club.tend_link(order)
    club.pay(order)
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.FOUND_PAID: 1}
    assert club.refresh(RefreshOptions()).outcomes == {}


def test_a_parent_who_has_opened_it_is_not_disturbed(club: LinkClub, order: int) -> None:
    club.tend_link(order)
    visit = club.visit(order)
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.KEPT: 1}
    assert club.tend_link(order).outcome is LinkOutcome.KEPT
    club.pipeline.stand_in.pay(visit)
    assert club.tend_link(order).outcome is LinkOutcome.FOUND_PAID


# Replaced and switched off


@pytest.mark.parametrize("visited", [True, False])
def test_a_payment_that_comes_while_it_is_closed_is_found_before_another_is_made(
    club: LinkClub, order: int, *, visited: bool
) -> None:
    link = club.tend_link(order)
    if visited:
        club.visit(order)
    club.set_order(order, amount=4000)
    club.pipeline.stand_in.add_fault("pay_first", method="POST", path_prefix=f"{PAYMENT_LINKS}/{link.session_id}")
    assert club.tend_link(order).outcome is LinkOutcome.SET_ASIDE
    assert club.set_aside(order) == ["paid_other_amount"]
    assert club.ways_to_pay(order) == set()
    assert len(club.links(order)) == 1


def test_a_changed_price_replaces_it_and_the_first_is_closed_before_the_second_exists(
    club: LinkClub, order: int
) -> None:
    first = club.tend_link(order)
    visit = club.visit(order)
    club.set_order(order, amount=4000)
    club.pipeline.stand_in.clear_requests()
    second = club.tend_link(order)
    assert (second.outcome, second.amount) == (LinkOutcome.RENEWED, 4000)
    assert club.active(order) == [second.session_id] != [first.session_id]
    writes = [r["path"] for r in club.pipeline.stand_in.requests() if r["method"] == "POST"]
    assert writes == [f"{PAYMENT_LINKS}/{first.session_id}", f"{SESSIONS}/{visit}/expire", PAYMENT_LINKS]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "paid", "payment_method": "cash"},
        {"status": "cancelled"},
        {"status": "waived"},
        {"status": "refunded"},
    ],
)
def test_it_is_switched_off_when_the_order_is_not_owed_any_more(
    club: LinkClub, order: int, change: dict[str, str]
) -> None:
    club.tend_link(order)
    club.visit(order)
    club.set_order(order, **change)
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.CLOSED: 1}
    assert club.ways_to_pay(order) == set()
    assert club.refresh(RefreshOptions()).outcomes == {}


def test_it_is_switched_off_when_the_player_is_not_committed_any_more(club: LinkClub, order: int) -> None:
    club.tend_link(order)
    club.sql("UPDATE player_teams SET commitment = 'withdrawn'")
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.CLOSED: 1}
    assert club.ways_to_pay(order) == set()


def test_it_is_switched_off_once_the_payment_deadline_is_over(club: LinkClub, order: int) -> None:
    day = (club.pipeline.clock() + timedelta(days=3)).date()
    club.sql(
        "UPDATE tournaments SET payment_deadline = :day, event_date = :event", day=day, event=day + timedelta(days=9)
    )
    options = RefreshOptions(renew=True, link_kind="payment_link")
    assert club.refresh(options).outcomes == {LinkOutcome.MADE: 1}
    assert club.active(order)
    club.pipeline.later(timedelta(days=2))
    assert club.refresh(options).outcomes == {LinkOutcome.KEPT: 1}
    club.pipeline.later(timedelta(days=2))
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.NO_LIVE_LINK: 1}
    assert club.ways_to_pay(order) == set()


def test_a_link_of_a_tournament_past_is_switched_off_though_nothing_ran_for_weeks(club: LinkClub, order: int) -> None:
    day = (club.pipeline.clock() + timedelta(days=3)).date()
    club.sql("UPDATE tournaments SET event_date = :day", day=day)
    options = RefreshOptions(renew=True, link_kind="payment_link")
    club.refresh(options)
    club.pipeline.later(timedelta(days=30))
    assert club.refresh(options.model_copy(update={"dry_run": True})).outcomes == {LinkOutcome.NO_LIVE_LINK: 1}
    assert club.refresh(options).outcomes == {LinkOutcome.NO_LIVE_LINK: 1}
    assert club.ways_to_pay(order) == set()
    assert club.refresh(options).outcomes == {}


def test_a_link_of_a_tournament_to_come_is_kept_though_one_for_the_same_product_is_past(
    club: LinkClub, order: int
) -> None:
    today = club.pipeline.clock().date()
    club.sql("UPDATE tournaments SET event_date = :day", day=today + timedelta(days=9))
    club.sql(
        "INSERT INTO tournaments (id, name, event_date) VALUES (2, 'Past Cup', :day)", day=today - timedelta(days=9)
    )
    club.sql("INSERT INTO tournament_products VALUES (2, 1, 1)")
    club.tend_link(order)
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.KEPT: 1}


@pytest.mark.parametrize("paid", [True, False])
def test_a_link_of_an_order_that_the_club_has_deleted_is_switched_off_and_a_payment_through_it_told(
    club: LinkClub, order: int, *, paid: bool
) -> None:
    club.tend_link(order)
    if paid:
        club.pay(order)
    club.sql("DELETE FROM orders WHERE id = :id", id=order)
    outcome = LinkOutcome.SET_ASIDE if paid else LinkOutcome.CLOSED
    assert club.refresh(RefreshOptions()).outcomes == {outcome: 1}
    assert club.ways_to_pay(order) == set()
    assert [finding for _, finding in club.findings()] == (["paid_deleted"] if paid else [])
    assert club.refresh(RefreshOptions()).outcomes == {}


@pytest.mark.parametrize(("hours", "kind"), [(13, LinkKind.PAYMENT_LINK), (11, SESSION), (-1, SESSION)])
def test_whoever_is_mailed_too_late_for_its_promised_life_gets_a_session(
    club: LinkClub, order: int, hours: int, kind: LinkKind
) -> None:
    closes_at = club.pipeline.clock() + timedelta(hours=hours)
    made = club.tend_link(order, closes_at=closes_at)
    assert (made.outcome, made.kind) == (LinkOutcome.MADE, kind)
    assert made.expires_at is not None
    assert made.expires_at == closes_at or kind is SESSION
    assert club.tend_link(order, closes_at=closes_at).outcome is LinkOutcome.KEPT


def test_a_link_that_would_be_closed_too_soon_is_replaced_only_to_be_mailed(club: LinkClub, order: int) -> None:
    closes_at = club.pipeline.clock() + timedelta(hours=20)
    first = club.tend_link(order, closes_at=closes_at)
    club.pipeline.later(timedelta(hours=10))
    assert club.tend_link(order, closes_at=closes_at, mailing=False).session_id == first.session_id
    assert club.tend_link(order, closes_at=closes_at).kind is SESSION


# From one kind to the other


@pytest.mark.parametrize("first_kind", list(LinkKind))
def test_another_kind_closes_the_first_before_the_second_exists_and_only_to_be_mailed(
    club: LinkClub, order: int, first_kind: LinkKind
) -> None:
    other_kind = next(kind for kind in LinkKind if kind is not first_kind)
    first = club.tend_link(order, kind=first_kind)
    assert club.tend_link(order, kind=other_kind, mailing=False).session_id == first.session_id
    club.pipeline.stand_in.clear_requests()
    second = club.tend_link(order, kind=other_kind)
    assert (second.outcome, second.kind) == (LinkOutcome.RENEWED, other_kind)
    assert club.ways_to_pay(order) == {second.session_id}
    closing, making = [r["path"] for r in club.pipeline.stand_in.requests() if r["method"] == "POST"]
    assert first.session_id in closing
    assert making == (PAYMENT_LINKS if other_kind is LinkKind.PAYMENT_LINK else SESSIONS)


# Slow payments


@pytest.mark.parametrize("active_at_limit", [True, False])
def test_a_slow_payment_is_waited_for_and_one_that_fails_brings_a_new_link(
    club: LinkClub, order: int, *, active_at_limit: bool
) -> None:
    club.pipeline.stand_in.configure(active_at_limit=active_at_limit)
    first = club.tend_link(order)
    visit = club.pay(order, slow=True)
    for _ in range(2):
        assert club.tend_link(order).outcome is LinkOutcome.PROCESSING
    assert club.ways_to_pay(order) == set()
    club.pipeline.stand_in.fail(visit)
    second = club.tend_link(order)
    assert second.outcome is LinkOutcome.RENEWED
    assert club.active(order) == [second.session_id] != [first.session_id]
    assert club.tend_link(order).outcome is LinkOutcome.KEPT


def test_a_failed_payment_that_frees_its_link_leaves_one_way_to_pay(club: LinkClub, order: int) -> None:
    club.pipeline.stand_in.configure(failed_frees=True)
    club.tend_link(order)
    visit = club.pay(order, slow=True)
    club.pipeline.stand_in.fail(visit, canceled=True)
    link = club.tend_link(order)
    assert club.active(order) == [link.session_id]
    assert club.order_now(order).stripe_checkout_session_id == link.session_id


@pytest.mark.parametrize("active_at_limit", [True, False])
def test_a_link_that_a_failed_payment_has_used_up_is_replaced(
    club: LinkClub, order: int, *, active_at_limit: bool
) -> None:
    club.pipeline.stand_in.configure(active_at_limit=active_at_limit)
    first = club.tend_link(order)
    club.pipeline.stand_in.fail(club.pay(order, slow=True))
    second = club.tend_link(order)
    assert second.outcome is LinkOutcome.RENEWED
    assert club.active(order) == [second.session_id] != [first.session_id]


def test_what_lists_have_shown_before_and_after_a_payment_failed_ends_in_a_new_link(club: LinkClub, order: int) -> None:
    """The payment under way, and then its link as one that nobody has paid through."""
    club.pipeline.stand_in.configure(failed_frees=True, active_at_limit=True)
    club.tend_link(order)
    visit = club.pay(order, slow=True)
    stripe_lists = club.pipeline.services.stripe_lists
    stripe_lists.sweep()
    club.pipeline.stand_in.fail(visit)
    stripe_lists.links.note_all(stripe_lists.seen_sessions.now())
    link = club.tend_link(order, mailing=False)
    assert link.outcome is LinkOutcome.RENEWED
    assert club.active(order) == [link.session_id]


@pytest.mark.parametrize("looked", [True, False])
def test_a_slow_payment_that_settles_pays_the_order(club: LinkClub, order: int, *, looked: bool) -> None:
    club.tend_link(order)
    visit = club.pay(order, slow=True)
    if looked:
        club.tend_link(order)
    club.pipeline.stand_in.settle(visit)
    assert club.tend_link(order).outcome is LinkOutcome.FOUND_PAID
    assert club.findings() == [(visit, "settled")]


# Two tabs


@pytest.mark.parametrize("at_once", [True, False])
def test_a_double_payment_is_found_listed_and_named_for_refund(club: LinkClub, order: int, *, at_once: bool) -> None:
    club.pipeline.stand_in.configure(two_tabs=True, active_at_limit=True)
    club.tend_link(order)
    first, second = club.visit(order), club.visit(order)
    club.pipeline.stand_in.pay(first)
    if not at_once:  # the order is settled, its link closed; the other tab's payment was on its way
        club.pipeline.stand_in.add_fault("pay_first", method="POST", path_prefix=f"{SESSIONS}/{second}/expire")
        assert club.tend_link(order).outcome is LinkOutcome.FOUND_PAID
    else:
        club.pipeline.stand_in.pay(second)
    club.refresh(RefreshOptions())
    assert club.order_now(order).status == "paid"
    assert sorted(finding for _, finding in club.findings()) == ["paid_twice", "settled"]
    assert {session for session, _ in club.findings()} == {first, second}
    assert club.set_aside(order) == ["paid_twice"]


def test_a_second_tab_is_closed_with_the_link_once_the_first_has_paid(club: LinkClub, order: int) -> None:
    club.pipeline.stand_in.configure(two_tabs=True, active_at_limit=True)
    club.tend_link(order)
    club.visit(order)
    club.pay(order)
    assert club.tend_link(order).outcome is LinkOutcome.FOUND_PAID
    assert club.ways_to_pay(order) == set()


def test_a_payment_in_cash_beside_one_through_the_link_is_for_the_treasurer(club: LinkClub, order: int) -> None:
    club.tend_link(order)
    visit = club.pay(order)
    club.set_order(order, status="paid", payment_method="cash")
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.SET_ASIDE: 1}
    assert club.findings() == [(visit, "paid_twice")]


# What a person does in Stripe's Dashboard


def test_a_link_that_a_person_switched_off_is_replaced_and_one_that_is_on_again_closed(
    club: LinkClub, order: int
) -> None:
    first = club.tend_link(order)
    assert first.session_id is not None
    club.visit(order)
    club.switch(first.session_id, active=False)
    second = club.tend_link(order)
    assert second.outcome is LinkOutcome.RENEWED
    club.switch(first.session_id, active=True)
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.KEPT: 1}
    assert club.ways_to_pay(order) == {second.session_id}


def test_a_link_that_is_on_again_for_a_paid_order_is_closed(club: LinkClub, order: int) -> None:
    link = club.tend_link(order)
    assert link.session_id is not None
    club.set_order(order, status="cancelled")
    club.tend_link(order)
    club.switch(link.session_id, active=True)
    assert club.refresh(RefreshOptions()).outcomes == {LinkOutcome.CLOSED: 1}
    assert club.ways_to_pay(order) == set()


# Lost replies


@pytest.mark.parametrize("hours", [0, 24 * 9])
@pytest.mark.parametrize("fault", [SELDOM("drop_before"), "drop_after", SELDOM("500"), "500_after_commit"])
def test_a_lost_reply_is_cleared_up_and_makes_no_second_link(
    club: LinkClub, order: int, fault: FaultName, hours: int
) -> None:
    other = club.family("Berg", "bo.berg@example.org")[0]
    club.tend_link(other)
    club.pipeline.later(timedelta(hours=1))
    club.pipeline.stand_in.add_fault(fault, method="POST", path_prefix=PAYMENT_LINKS, count=2)
    try:
        club.tend_link(order)
    except TransientError:
        club.pipeline.stand_in.clear_faults()
    club.pipeline.later(timedelta(hours=hours))
    for _ in range(3):
        club.pipeline.later(timedelta(minutes=11))
        link = club.tend_link(order)
    assert link.url
    assert club.active(order) == [link.session_id]
    assert "requested" not in {state for _, state in club.attempts(order)}


@pytest.mark.parametrize("fault", [SELDOM("drop_before"), "drop_after", SELDOM("500"), "429"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_fault_while_a_link_is_closed_leaves_no_way_to_pay_in_the_end(
    club: LinkClub, order: int, fault: FaultName, method: Literal["GET", "POST"]
) -> None:
    club.tend_link(order)
    club.visit(order)
    club.set_order(order, status="cancelled")
    club.pipeline.stand_in.add_fault(fault, method=method, count=2)
    with suppress(TransientError):
        club.tend_link(order)
    club.pipeline.stand_in.clear_faults()
    club.refresh(RefreshOptions())
    assert club.ways_to_pay(order) == set()


@pytest.mark.parametrize("hours", [0, 25])
def test_a_worker_that_was_suspended_before_its_call_makes_no_second_link(
    club: LinkClub, order: int, hours: int
) -> None:
    watch_engine(club.pipeline.services.database.engine)
    worker = Worker(lambda: club.tend_link(order), lambda *_: None)
    worker.go_on(before=f"POST {PAYMENT_LINKS}")
    assert club.attempts(order) == [("pipeline", "requested")]
    club.pipeline.later(timedelta(hours=hours))
    for _ in range(3):
        club.sql("UPDATE tournament_fees.order_leases SET expires_at = now() - interval '1 second'")
        club.tend_link(order)
        club.pipeline.later(timedelta(minutes=11))
    worker.go_on()
    club.refresh(RefreshOptions())
    assert len(club.links(order)) == 1
    assert club.active(order) == [club.order_now(order).stripe_checkout_session_id]


# Keys


def test_a_key_that_makes_no_payment_links_is_told_and_hinders_no_sessions(club: LinkClub, order: int) -> None:
    key = SecretStr("rk_test_invented_nolinks_key")
    settings = club.pipeline.services.settings.model_copy(update={"stripe_api_key": key})
    with open_services(settings, club.pipeline.clock) as services:
        with pytest.raises(ConfigurationError, match=r"lacks a permission: .*payment_link"):
            services.keeper.ensure_link(order, Charge("Entry", "Max Ek"), mailing=True, kind=LinkKind.PAYMENT_LINK)
        limited = LinkClub(replace(club.pipeline, services=services))
        assert limited.links(order) == []
        assert limited.refresh().outcomes == {LinkOutcome.MADE: 1}


# Few calls


def test_a_batch_of_links_is_verified_by_two_calls(club: LinkClub) -> None:
    orders = [club.family(f"Ek{number}", f"ek{number}@example.com")[0] for number in range(40)]
    club.refresh(RefreshOptions(renew=True, link_kind="payment_link"))
    club.pay(orders[7])
    club.pipeline.later(timedelta(hours=2))
    club.sql("DELETE FROM tournament_fees.sightings")
    club.pipeline.stand_in.clear_requests()
    club.pipeline.services.stripe_lists.look_for(orders, mailing=True)
    calls = [(r["path"], sorted(r["parameters"])) for r in club.pipeline.stand_in.requests()]
    assert [path for path, _ in calls[:1]] == [SESSIONS], "what was completed is learnt first"
    assert len(calls) == 2
    outcomes = [club.tend_link(order).outcome for order in orders]
    assert outcomes.count(LinkOutcome.KEPT) == 39
    assert outcomes[7] is LinkOutcome.FOUND_PAID
    untouched = len([r for r in club.pipeline.stand_in.requests() if r["method"] == "GET"])
    assert untouched <= 2 + 3, "only the one that was paid through is read, and its sessions once more as it is closed"


def test_links_far_apart_and_a_busy_account_cost_four_calls_each_at_most(club: LinkClub) -> None:
    form = {
        "line_items": {
            "0": {
                "price_data": {"currency": "usd", "unit_amount": "900", "product_data": {"name": "Cap"}},
                "quantity": "1",
            }
        }
    }
    orders = []
    for number in range(6):
        order = club.family(f"Ek{number}", f"ek{number}@example.com")[0]
        club.tend_link(order)
        club.pipeline.stand_in.stage_links(form, [{}] * 150)
        orders.append(order)
    busy = club.pipeline.stand_in.stage_links(form, [{}])[0]["id"]
    for _ in range(8):
        club.pipeline.stand_in.pay(club.pipeline.stand_in.open_link(busy)["id"])
    club.sql("DELETE FROM tournament_fees.sightings")
    club.pipeline.stand_in.clear_requests()
    club.pipeline.services.stripe_lists.look_for(orders, mailing=True)
    assert len(club.pipeline.stand_in.requests()) <= 4 * len(orders)
    assert {club.tend_link(order).outcome for order in orders} == {LinkOutcome.KEPT}


@pytest.mark.parametrize("active_at_limit", [True, False])
def test_a_payment_between_the_list_of_payments_and_that_of_links_is_not_missed(
    club: LinkClub, *, active_at_limit: bool
) -> None:
    """The link itself says that there is more to it than the list of payments has shown."""
    club.pipeline.stand_in.configure(active_at_limit=active_at_limit)
    orders = [club.family(f"Ek{number}", f"ek{number}@example.com")[0] for number in range(5)]
    club.refresh(RefreshOptions(renew=True, link_kind="payment_link"))
    club.sql("DELETE FROM tournament_fees.sightings")
    stripe_lists = club.pipeline.services.stripe_lists
    with club.while_stripe_holds("GET", SESSIONS, lambda: stripe_lists.look_for(orders, mailing=True)) as looking:
        club.pay(orders[2])
    looking.result()
    outcomes = [club.tend_link(order).outcome for order in orders]
    assert outcomes == [LinkOutcome.KEPT] * 2 + [LinkOutcome.FOUND_PAID] + [LinkOutcome.KEPT] * 2


def links_of_another_account(club: LinkClub, order: int) -> None:
    """Let the ledger have links, older and newer than all others, that Stripe has not in this account and mode."""
    club.sql(
        "INSERT INTO tournament_fees.checkout_attempts"
        " (order_id, origin, requested_at, created, state, session_id, changed_at)"
        " SELECT :order, 'club', at, at, 'expired', 'plink_of_another_account' || n, at"
        " FROM generate_series(1, 80) AS n,"
        " LATERAL (SELECT now() + n / 40 * interval '2 days' - interval '1 day' AS at) AS moment",
        order=order,
    )


def test_links_of_another_account_in_the_ledger_hinder_nothing(club: LinkClub) -> None:
    orders = [club.family(f"Ek{number}", f"ek{number}@example.com")[0] for number in range(5)]
    links_of_another_account(club, orders[0])
    club.refresh(RefreshOptions(renew=True, link_kind="payment_link"))
    club.sql("DELETE FROM tournament_fees.sightings")
    club.pipeline.services.stripe_lists.look_for(orders, mailing=True)
    assert {club.tend_link(order).outcome for order in orders} == {LinkOutcome.KEPT}
    club.set_order(orders[0], amount=4000)
    club.pipeline.stand_in.add_fault("500_after_commit", method="POST", path_prefix=PAYMENT_LINKS, nth=2, count=2)
    club.tend_link(orders[0])
    assert len(club.active(orders[0])) == 1
