"""What ends a payment link, which does not end by itself: no link stays open that nobody looks after any more."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.preview import preview_campaign
from tasks.core.errors import ConfigurationError, TransientError
from tasks.links.model import LinkKind, LinkOutcome
from tasks.links.set_asides import release
from tasks.links.stripe_api import NotOpenError
from tasks.refresh.options import RefreshOptions
from tests.support.harness import Pipeline, links_in
from tests.support.link_club import LinkClub
from tests.support.reminding import club_in_denver, go_to, reminded, set_days
from tests.support.small_club import CUP, FEE, PAYMENT_LINKS

LOOK = RefreshOptions()
LINKS = CampaignOptions(link_kind="payment_link")
MAKE_LINKS = RefreshOptions(renew=True, link_kind="payment_link")
PRICE: Any = {"currency": "usd", "unit_amount": FEE, "product_data": {"name": "Entry"}}


@pytest.fixture
def club(small_club: Pipeline) -> LinkClub:
    """At noon of a tournament that is payable for 20 days and takes place in 30."""
    return LinkClub(club_in_denver(small_club).pipeline)


@pytest.fixture
def order(club: LinkClub) -> int:
    return club.family()[0]


def detached(club: LinkClub, _order: int) -> None:
    club.sql("DELETE FROM tournament_products")


def past(club: LinkClub, _order: int) -> None:
    set_days(club, deadline=-9, event=-8)


def deleted(club: LinkClub, order: int) -> None:
    club.sql("DELETE FROM orders WHERE id = :id", id=order)


def without_product(club: LinkClub, order: int) -> None:
    club.set_order(order, product_id=None)


def in_other_words(club: LinkClub, order: int) -> None:
    club.sql("ALTER TABLE orders DROP CONSTRAINT orders_status_check")
    club.set_order(order, status="canceled")


ENDS = (detached, past, deleted, without_product, in_other_words)
SOME_ENDS = (detached, deleted, *(pytest.param(end, marks=pytest.mark.only_long) for end in (past, *ENDS[3:])))
End = Callable[[LinkClub, int], None]


@pytest.mark.parametrize("end", ENDS)
def test_it_is_switched_off_whatever_became_of_its_order(club: LinkClub, order: int, end: End) -> None:
    club.tend_link(order)
    club.visit(order)
    end(club, order)
    foretold = club.refresh(LOOK.model_copy(update={"dry_run": True})).outcomes
    assert club.refresh(LOOK).outcomes == foretold
    assert club.ways_to_pay(order) == set()
    assert len(club.links(order)) == 1


@pytest.mark.parametrize("end", SOME_ENDS)
def test_it_is_switched_off_again_where_a_person_switches_it_on(club: LinkClub, order: int, end: End) -> None:
    link = club.tend_link(order)
    end(club, order)
    club.refresh(LOOK)
    club.switch(link.session_id or "", active=True)
    club.refresh(LOOK)
    assert club.ways_to_pay(order) == set()


@pytest.mark.parametrize("end", SOME_ENDS)
def test_one_whose_reply_was_lost_is_found_and_switched_off(club: LinkClub, order: int, end: End) -> None:
    club.pipeline.stand_in.add_fault("drop_after", method="POST", path_prefix=PAYMENT_LINKS, count=9)
    with suppress(TransientError):
        club.refresh(MAKE_LINKS)
    club.pipeline.stand_in.clear_faults()
    assert len(club.active(order)) == 1
    end(club, order)
    club.pipeline.later(timedelta(hours=1))
    for _ in range(2):
        club.refresh(LOOK)
    assert club.ways_to_pay(order) == set()


def test_what_was_paid_through_it_is_found_though_no_tournament_has_its_product(club: LinkClub, order: int) -> None:
    club.tend_link(order)
    visit = club.pay(order)
    detached(club, order)
    club.refresh(LOOK)
    assert [session for session, _ in club.findings()] == [visit]
    assert club.ways_to_pay(order) == set()


def test_a_slow_payment_that_settles_after_the_tournament_is_recorded(club: LinkClub, order: int) -> None:
    club.tend_link(order)
    visit = club.pay(order, slow=True)
    club.refresh(LOOK)
    club.pipeline.later(timedelta(days=40))
    club.pipeline.stand_in.settle(visit)
    club.refresh(LOOK)
    assert club.order_now(order).status == "paid"


# Until when


def second_cup(club: LinkClub, *, deadline: int, event: int) -> None:
    """Another tournament for the same fee."""
    today = club.pipeline.clock().date()
    club.sql(
        "INSERT INTO tournaments (id, name, time_zone, payment_deadline, event_date) VALUES "
        "(2, 'Summer Cup', 'America/Denver', :deadline, :event)",
        deadline=today + timedelta(days=deadline),
        event=today + timedelta(days=event),
    )
    club.sql("INSERT INTO tournament_products VALUES (2, 1, 1)")


@pytest.mark.parametrize("mailed_for", [CUP, "Summer Cup"])
def test_a_fee_for_two_tournaments_can_be_paid_until_the_last_of_their_days(
    club: LinkClub, order: int, mailed_for: str
) -> None:
    second_cup(club, deadline=40, event=50)
    assert club.pipeline.run(mailed_for, options=LINKS).sent == 1
    (link,) = club.active(order)
    go_to(club, 12, days=25)
    assert club.refresh(MAKE_LINKS).outcomes == {LinkOutcome.KEPT: 1}
    assert club.active(order) == [link]
    go_to(club, 12, days=16)
    club.refresh(MAKE_LINKS)
    assert club.ways_to_pay(order) == set()


def test_a_tournament_of_other_teams_lets_nobody_pay_longer(club: LinkClub, order: int) -> None:
    second_cup(club, deadline=40, event=50)
    club.sql("INSERT INTO teams (id, name) VALUES (2, 'Owls')")
    club.sql("UPDATE tournament_products SET team_id = 2 WHERE tournament_id = 2")
    club.pipeline.run(CUP, options=LINKS)
    go_to(club, 12, days=25)
    club.refresh(MAKE_LINKS)
    assert club.ways_to_pay(order) == set()


@pytest.mark.parametrize("column", ["tournaments.payment_deadline", "tournaments.event_date", "orders.due_date"])
def test_a_day_at_the_end_of_all_time_is_none(club: LinkClub, order: int, column: str) -> None:
    table, _, name = column.partition(".")
    club.sql("UPDATE tournaments SET payment_deadline = NULL, event_date = NULL")
    club.sql(f"UPDATE {table} SET {name} = DATE '9999-12-31'")  # noqa: S608  names of the test
    assert club.pipeline.run(CUP, options=LINKS).sent == 1
    assert club.refresh(LOOK).outcomes == {LinkOutcome.KEPT: 1}
    go_to(club, 12, days=4)
    assert reminded(club) == 1
    assert club.active(order)


@pytest.mark.parametrize(("due", "last"), [(28, 28), (10, 20)])
def test_an_order_can_be_paid_until_its_own_due_date_where_that_is_later(
    club: LinkClub, order: int, due: int, last: int
) -> None:
    club.set_order(order, due_date=club.pipeline.clock().date() + timedelta(days=due))
    club.pipeline.run(CUP, options=LINKS)
    go_to(club, 12, days=last - 1)
    assert club.refresh(LOOK).outcomes == {LinkOutcome.KEPT: 1}
    go_to(club, 12, days=1)
    club.refresh(LOOK)
    assert club.ways_to_pay(order) == set()


# Of whom nobody knows


def by_hand(club: LinkClub, order: int, *, times: int = 0) -> str:
    """Store a link that somebody has made in the Dashboard, paid through by others already."""
    client = club.pipeline.stripe_client()
    link = client.v1.payment_links.create({"line_items": [{"quantity": 1, "price_data": PRICE}]})
    for _ in range(times):
        club.pipeline.stand_in.pay(club.pipeline.stand_in.open_link(link.id)["id"])
    club.set_order(order, stripe_checkout_session_id=link.id, stripe_checkout_url=link.url)
    return str(link.id)


@pytest.mark.parametrize("times", [0, 2])
def test_a_link_made_by_hand_is_neither_mailed_nor_does_what_was_paid_through_it_pay_an_order(
    club: LinkClub, order: int, times: int
) -> None:
    by_hand(club, order, times=times)
    club.refresh(LOOK)
    assert club.set_aside(order) == ["another_order"]
    assert club.pipeline.run(CUP, options=LINKS).sent == 0
    assert (club.order_now(order).status, club.findings()) == ("pending", [])


def test_one_that_is_made_by_hand_costs_no_other_family_its_mail(club: LinkClub) -> None:
    orders = [order for name in ("Ek", "Berg", "Chen", "Diaz") for order in club.family(name, f"{name}@example.com")]
    for order in orders[:2]:
        club.tend_link(order)
    for order in orders[2:]:
        by_hand(club, order)
    club.pipeline.services.stripe_lists.look_for(orders, mailing=True)
    assert club.pipeline.run(CUP, options=LINKS).sent == 2
    club.refresh(LOOK)


@pytest.mark.parametrize("kind", list(LinkKind))
def test_one_of_ours_that_stripe_does_not_know_is_replaced_when_a_person_has_dealt_with_it(
    club: LinkClub, order: int, kind: LinkKind
) -> None:
    club.tend_link(order, kind=kind)
    club.pipeline.stand_in.reset()
    club.refresh(LOOK)
    assert club.set_aside(order) == ["unknown_session"]
    release(club.pipeline.owner, [order], released_by="Kim", now=club.pipeline.clock())
    assert club.refresh(MAKE_LINKS).outcomes == {LinkOutcome.RENEWED: 1}


def test_a_payment_that_stripe_had_counted_before_it_listed_it_is_seen_when_the_link_is_switched_off(
    club: LinkClub, order: int
) -> None:
    link_id = club.tend_link(order).session_id or ""
    stripe_links = club.pipeline.services.stripe
    counted = replace(stripe_links.find(link_id)[0], completions=1, used_up=True)
    club.pay(order)
    with pytest.raises(NotOpenError):
        stripe_links.expire(counted)


# Which kind goes on


@pytest.mark.parametrize(("first", "other"), [(LINKS, CampaignOptions()), (CampaignOptions(), LINKS)])
def test_a_campaign_that_has_mailed_one_kind_refuses_the_other_and_mails_nobody(
    club: LinkClub, order: int, first: CampaignOptions, other: CampaignOptions
) -> None:
    club.pipeline.run(CUP, options=first)
    club.family("Late", "late@example.com")
    said = f"has mailed links of the kind {first.link_kind}.*start another campaign"
    with pytest.raises(ConfigurationError, match=said):
        club.pipeline.run(CUP, options=other)
    with pytest.raises(ConfigurationError, match=said):
        preview_campaign(club.pipeline.services, CUP, other)
    assert club.pipeline.run(CUP, options=first).sent == 1
    assert len(club.ways_to_pay(order)) == 1


def test_before_anybody_is_mailed_the_kind_can_still_be_chosen(club: LinkClub, order: int) -> None:
    club.open_campaign()
    assert club.pipeline.run(CUP, options=LINKS).sent == 1
    assert club.active(order)


def test_reminders_follow_a_new_notice_of_another_kind_though_others_were_sent_before(
    club: LinkClub, order: int
) -> None:
    club.pipeline.run(CUP)
    go_to(club, 12, days=3)
    assert reminded(club) == 1
    assert not club.active(order)
    club.pipeline.run(CUP, options=LINKS.model_copy(update={"sequence": 2}))
    go_to(club, 12, days=3)
    assert reminded(club) == 1
    (link,) = links_in(club.pipeline.inbox.messages()[-1])
    assert [one["url"] for one in club.links(order) if one["active"]] == [link]


def test_a_retry_of_an_older_notice_leaves_a_newer_ones_links_alone(club: LinkClub, order: int) -> None:
    club.family("Berg", "berg@example.com")
    club.pipeline.run(CUP)
    club.sql("UPDATE tournament_fees.messages SET status = 'failed', reason = 'gave_up' WHERE family = 'ek'")
    club.pipeline.run(CUP, options=LINKS.model_copy(update={"sequence": 2}))
    (link,) = club.active(order)
    club.pipeline.retry(failed=True, by="Kim")
    assert club.active(order) == [link]
    assert len(club.ways_to_pay(order)) == 1
