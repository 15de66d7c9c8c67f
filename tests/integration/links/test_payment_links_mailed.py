"""Campaigns that mail payment links: what parents read, when they open it days later, and what goes out afterwards."""

from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.preview import preview_campaign
from tasks.links.model import LinkKind
from tasks.operations.order_status import OrderStatus
from tasks.operations.status import campaign_status
from tasks.refresh.options import RefreshOptions
from tests.support.harness import Pipeline, links_in
from tests.support.link_club import LinkClub
from tests.support.reminding import club_in_denver, go_to, reminded, set_days
from tests.support.small_club import CUP

LINKS = CampaignOptions(link_kind="payment_link")


@pytest.fixture
def club(small_club: Pipeline) -> LinkClub:
    """At noon of a tournament that is payable for 20 days."""
    return LinkClub(club_in_denver(small_club).pipeline)


def mailed(club: LinkClub) -> EmailMessage:
    (message,) = club.pipeline.inbox.messages()
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def opens(link: str) -> tuple[int, str]:
    """What a parent sees who opens a link."""
    page = httpx.get(link, follow_redirects=True, trust_env=False)
    return page.status_code, page.text


def test_a_parent_who_opens_the_mail_after_two_weeks_finds_a_page_to_pay_on(club: LinkClub) -> None:
    (order,) = club.family()
    assert club.pipeline.run(CUP, options=LINKS).sent == 1
    (link,) = links_in(mailed(club))
    go_to(club, 9, days=13)
    status, page = opens(link)
    assert status == 200
    assert "$55.00" in page
    (visit,) = club.visits(order)
    club.pipeline.stand_in.pay(visit["id"])
    assert "This link is closed. If the fee is paid" in opens(link)[1]
    assert club.pipeline.run(CUP, options=LINKS).sent == 0
    assert club.order_now(order).status == "paid"


def test_the_mail_says_until_when_it_works_and_that_it_works_once(club: LinkClub) -> None:
    club.family(children=2)
    club.pipeline.run(CUP, options=LINKS)
    said = text_of(mailed(club))
    assert "at 11:59 PM Mountain" in said
    assert "each works for one payment" in said
    assert "limited time" not in said


def test_without_a_last_day_to_pay_it_works_until_it_is_paid(club: LinkClub) -> None:
    set_days(club, deadline=None, event=None)
    club.family()
    club.pipeline.run(CUP, options=LINKS)
    said = text_of(mailed(club))
    assert "This link works until the fee is paid." in said
    assert "works for one payment" in said


@pytest.mark.parametrize("hours", [1, 24 * 6])
def test_to_run_it_again_mails_nobody_twice_and_makes_no_second_link(club: LinkClub, hours: int) -> None:
    (order,) = club.family()
    club.pipeline.run(CUP, options=LINKS)
    club.pipeline.later(timedelta(hours=hours))
    assert club.pipeline.run(CUP, options=LINKS).sent == 0
    assert len(club.links(order)) == 1


def test_a_second_notice_of_the_other_kind_carries_the_only_way_to_pay(club: LinkClub) -> None:
    (order,) = club.family()
    club.pipeline.run(CUP, options=LINKS)
    (first,) = links_in(mailed(club))
    club.pipeline.run(CUP, options=CampaignOptions(sequence=2))
    assert club.ways_to_pay(order) == {club.order_now(order).stripe_checkout_session_id}
    assert "look for a newer email" in opens(first)[1]


def test_a_reminder_has_the_kind_of_link_of_what_it_reminds_of(club: LinkClub) -> None:
    (order,) = club.family()
    club.pipeline.run(CUP, options=LINKS)
    go_to(club, 12, days=2)
    assert reminded(club) == 0, "its link lives, and it was mailed a short while ago"
    go_to(club, 12, days=1)
    assert reminded(club) == 1
    first, second = club.pipeline.inbox.messages()
    assert links_in(first) == links_in(second)
    assert len(club.links(order)) == 1
    club.pay(order)
    go_to(club, 12, days=4)
    assert reminded(club) == 0


def test_one_whose_link_a_person_switched_off_is_reminded_sooner_with_a_new_one(club: LinkClub) -> None:
    (order,) = club.family()
    club.pipeline.run(CUP, options=LINKS)
    club.switch(club.active(order)[0], active=False)
    go_to(club, 12, days=2)
    club.refresh()
    assert reminded(club) == 1
    (link,) = links_in(club.pipeline.inbox.messages()[-1])
    assert opens(link)[0] == 200


def test_what_the_server_put_off_goes_out_with_the_same_kind_of_link(club: LinkClub) -> None:
    club.family()
    club.pipeline.run(CUP, options=LINKS)
    club.sql(
        "UPDATE tournament_fees.messages SET status = 'queued', reason = 'put_off_by_server', next_attempt_at = :now",
        now=club.pipeline.clock(),
    )
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    (summary,) = club.pipeline.retry()
    assert summary.sent == 1
    assert links_in(club.pipeline.inbox.messages()[-1]) == links_in(club.pipeline.inbox.messages()[0])


def test_a_preview_makes_no_link_and_says_until_when_one_would_work(club: LinkClub, tmp_path: Path) -> None:
    club.family()
    club.pipeline.stand_in.clear_requests()
    shown = preview_campaign(club.pipeline.under(preview_folder=tmp_path).services, CUP, LINKS)
    assert shown.messages == 1
    assert "11:59 PM Mountain" in Path(shown.page).read_text(encoding="utf-8")
    assert {request["method"] for request in club.pipeline.stand_in.requests()} == {"GET"}
    assert club.pipeline.stand_in.payment_links() == []


def test_the_status_counts_a_link_as_live_until_it_is_closed(club: LinkClub) -> None:
    (order,) = club.family()
    club.pipeline.run(CUP, options=LINKS)
    go_to(club, 12, days=5)

    def order_statuses() -> list[OrderStatus]:
        return [row.order_status for row in campaign_status(club.pipeline.services, CUP).orders]

    assert order_statuses() == [OrderStatus.LIVE]
    club.switch(club.active(order)[0], active=False)
    club.refresh(RefreshOptions())
    assert order_statuses() == [OrderStatus.DEAD]


def test_each_order_of_a_family_has_a_link_of_its_own(club: LinkClub) -> None:
    orders = club.family(children=3)
    club.pipeline.run(CUP, options=LINKS)
    assert len(set(links_in(mailed(club)))) == 3
    club.pay(orders[1])
    club.pipeline.run(CUP, options=LINKS.model_copy(update={"sequence": 2}))
    last = club.pipeline.inbox.messages()[-1]
    assert len(links_in(last)) == 2
    assert "Paid" in text_of(last)
    assert {LinkKind.of(club.order_now(order).stripe_checkout_session_id) for order in (orders[0], orders[2])} == {
        LinkKind.PAYMENT_LINK
    }
