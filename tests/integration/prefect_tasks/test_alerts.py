"""What is announced: each thing that a person should hear of, once, by ids and counts."""

from datetime import timedelta

import pytest

from tasks.operations import queries as operations_queries
from tasks.operations.restore import hold_after_restore
from tasks.prefect_tasks.alerts import ALERTS, unannounced
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    club = SmallClub.on(small_club)
    club.family()
    return club


def hear(club: SmallClub) -> list[tuple[str, str]]:
    """Hear what is new, as the events say it, and have it noted."""
    services = club.pipeline.services
    news = unannounced(services)
    operations_queries.note_news(services.database, keys=[row.key for row in news], now=services.clock())
    return [(row.event.removeprefix("tournament-fees."), row.said) for row in news]


def test_a_campaign_that_is_finished_is_announced_once(club: SmallClub) -> None:
    assert hear(club) == []
    club.pipeline.run(CUP)
    assert hear(club) == [("campaign.finished", "the campaign fee_notice 1 is finished: 1 sent")]
    club.pipeline.run(CUP)
    assert hear(club) == []


def test_uncertain_messages_are_announced_and_those_that_come_later_as_well(club: SmallClub) -> None:
    club.family("Berg", "berg@example.com")
    club.pipeline.run(CUP)
    hear(club)
    for family, count in (("ek", 1), ("berg", 2)):
        club.sql(
            "UPDATE tournament_fees.messages SET status = 'uncertain', changed_at = :now WHERE family = :family",
            family=family,
            now=club.pipeline.clock(),
        )
        assert hear(club) == [("messages.uncertain", f"{count} messages of the campaign fee_notice 1 are uncertain")]
        assert hear(club) == []


def test_what_a_restore_has_made_uncertain_is_told_from_what_was_so(club: SmallClub) -> None:
    """The log settles the one all at once; about the other a person decides."""
    club.family("Berg", "berg@example.com")
    club.pipeline.run(CUP)
    hear(club)
    club.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply' WHERE family = 'berg'")
    club.sql("UPDATE tournament_fees.messages SET status = 'queued' WHERE family = 'ek'")
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    hold_after_restore(club.pipeline.services, club.pipeline.clock(), by="Ann")
    said = "2 messages of the campaign fee_notice 1 are uncertain, 1 of them since a restore from a backup"
    assert hear(club) == [("messages.uncertain", said)]
    (alert,) = [alert for alert in ALERTS if alert.event.endswith("messages.uncertain")]
    assert "After a restore from a backup: settle-after-restore" in alert.what_to_do
    assert "Else run settle-uncertain" in alert.what_to_do


def test_an_order_set_aside_is_announced_once_and_again_where_it_comes_to_be_about_money(club: SmallClub) -> None:
    session = club.own_session(1)
    club.set_order(1, amount=-5)
    club.ensure_link(1)
    assert hear(club) == [
        ("link.set-aside", "order 1: orders.amount is -5: it must be a whole number of cents from 1 to 99999999")
    ]
    club.ensure_link(1)
    assert hear(club) == []
    club.set_order(1, amount=5500, stripe_checkout_session_id=session)
    (payable,) = club.payable(1) or [club.own_session(1)]
    club.pipeline.stand_in.pay(payable, amount_total=4000)
    club.ensure_link(1, mailing=False)
    assert hear(club) == [("payment.to-look-at", "order 1: paid at Stripe, but not the order's amount")]


def test_a_sending_limit_is_announced_once_a_day(club: SmallClub) -> None:
    club.family("Berg", "berg@example.com")
    club = SmallClub(club.pipeline.under(send_limit_per_day=1))
    club.pipeline.run(CUP)
    said = ("quota.reached", "1 messages of the campaign fee_notice 1 wait for the sending limit")
    assert hear(club) == [said]
    club.pipeline.run(CUP)
    assert hear(club) == []
    club.family("Lund", "lund@example.com")
    club.pipeline.later(timedelta(days=1, minutes=1))
    club.pipeline.run(CUP)
    assert hear(club) == [said]


def test_what_is_older_than_a_week_is_no_news(club: SmallClub) -> None:
    club.pipeline.run(CUP)
    club.pipeline.later(timedelta(days=8))
    assert hear(club) == []
