"""Reminders: who gets one and who never does, at queueing and at the very moment of sending."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from threading import Barrier

import pytest

from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import Batch, Campaign, CampaignOptions
from tasks.campaigns.reminders import ReminderLimits, ReminderOptions, tournaments_to_remind
from tasks.campaigns.report import sentence
from tasks.core.errors import ConfigurationError
from tasks.delivery.deliver_batch import deliver_batch
from tasks.delivery.outbox import Outbox
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tasks.operations.options import StopChoice
from tasks.operations.stop import stop_campaign
from tests.integration.delivery.test_outbox import drafted
from tests.support.harness import Pipeline, links_in
from tests.support.reminding import (
    club_in_denver,
    go_to,
    local_time,
    opened,
    order_fall_cup,
    remind,
    reminded,
    second_tournament,
    set_days,
)
from tests.support.small_club import CUP, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club in Denver in the afternoon, one of whose families was mailed two days ago: its link is dead."""
    club = club_in_denver(small_club)
    club.family()
    club.pipeline.run(CUP)
    go_to(club, 13, days=2)
    return club


def limited(club: SmallClub, **limits: float) -> SmallClub:
    """The same club under other limits of reminders."""
    return SmallClub(club.pipeline.under(**limits))


def stop(club: SmallClub, kind: str, sequence: str) -> None:
    stop_campaign(club.pipeline.services, CUP, StopChoice(kind=kind, sequence=sequence), by="Ann", why="")


def ready_to_go(club: SmallClub) -> tuple[Campaign, Batch]:
    """Queue the reminders, so that nothing but their delivery is left."""
    campaign = opened(club)
    assert campaign is not None
    (batch,) = plan_batches(club.pipeline.services, campaign, 500)
    return campaign, batch


def deliver(club: SmallClub, campaign: Campaign, batch: Batch) -> dict[str, int]:
    return dict(deliver_batch(club.pipeline.services, campaign, batch, None))


def mails(club: SmallClub) -> list[str]:
    return [str(mail["Subject"]).partition(":")[0] for mail in club.pipeline.inbox.messages()]


def last(club: SmallClub) -> tuple[str, str | None]:
    row = club.messages()[-1]
    return row.status, row.reason


def test_a_parent_whose_mailed_link_has_died_gets_one_that_lives(club: SmallClub) -> None:
    (summary,) = remind(club)
    assert dict(summary.messages) == {("sent", ""): 1}
    notice, reminder = club.pipeline.inbox.messages()
    assert str(reminder["Subject"]).startswith("Reminder: tournament fee for Child0 Ek")
    assert reminder["List-Unsubscribe"]
    ((old,), (new,)) = links_in(notice), links_in(reminder)
    assert old != new
    assert [session["url"] for session in club.sessions(1) if session["status"] == "open"] == [new]


def test_the_campaign_is_named_for_the_clubs_day_and_mails_nobody_twice(club: SmallClub) -> None:
    assert reminded(club) == 1
    assert reminded(club) == 0
    today = local_time(club).date().isoformat()
    rows = club.sql("SELECT kind, sequence, state FROM tournament_fees.campaigns ORDER BY id DESC LIMIT 1")
    assert [tuple(row) for row in rows] == [("reminder", today, "done")]


def test_a_day_on_which_there_is_nobody_to_remind_leaves_no_campaign(club: SmallClub) -> None:
    club.sql("UPDATE orders SET status = 'paid', payment_method = 'cash'")
    assert remind(club) == []
    assert club.one("SELECT count(*) FROM tournament_fees.campaigns") == 1


def test_who_was_never_mailed_is_not_reminded(club: SmallClub) -> None:
    club.family("Berg", "berg@example.com")
    remind(club)
    assert club.pipeline.inbox.to("berg@example.com") == []


def test_a_dead_link_waits_for_the_gap(small_club: Pipeline) -> None:
    club = club_in_denver(small_club)
    club.family()
    club.pipeline.run(CUP)
    club.pipeline.later(timedelta(hours=47))
    assert reminded(club) == 0
    club.pipeline.later(timedelta(hours=1, minutes=1))
    assert reminded(club) == 1


def test_days_alone_can_decide(club: SmallClub) -> None:
    assert reminded(club, dead_links=False) == 0
    go_to(club, 13)
    assert reminded(club, dead_links=False) == 1


def test_a_link_that_was_closed_for_a_new_price_counts_as_dead(small_club: Pipeline) -> None:
    club = limited(club_in_denver(small_club), reminder_gap_hours=1)
    (order,) = club.family()
    club.pipeline.run(CUP)
    club.pipeline.later(timedelta(hours=2))
    assert reminded(club) == 0
    club.set_order(order, amount=4500)
    club.ensure_link(order, mailing=False)
    assert reminded(club) == 1


def test_a_family_of_whose_fees_one_is_due_is_reminded_of_all_that_were_mailed(small_club: Pipeline) -> None:
    club = club_in_denver(small_club)
    parent = club.parent()
    club.order(club.player(parent, "Max"))
    club.pipeline.run(CUP)
    go_to(club, 12)
    club.order(club.player(parent, "Mia"))
    club.pipeline.run(CUP)
    go_to(club, 11, days=2)
    club.order(club.player(parent, "Zoe"))
    assert reminded(club, dead_links=False) == 1
    assert len(links_in(club.pipeline.inbox.messages()[-1])) == 2


def test_there_is_an_end_to_reminding(club: SmallClub) -> None:
    sent = []
    for _ in range(6):
        sent.append(reminded(club))
        go_to(club, 13, days=2)
    assert sent == [1, 1, 1, 0, 0, 0]


PAYMENTS: dict[str, Callable[[SmallClub, int], object]] = {
    "paid at Stripe, unnoticed": lambda club, order: club.pipeline.stand_in.pay(club.payable(order)[0]),
    "paid in cash": lambda club, order: club.set_order(order, status="paid", payment_method="cash"),
    "waived": lambda club, order: club.set_order(order, status="waived"),
    "cancelled": lambda club, order: club.set_order(order, status="cancelled"),
    "refunded": lambda club, order: club.set_order(order, status="refunded"),
    "withdrawn": lambda club, order: club.sql(
        "UPDATE player_teams SET commitment = 'withdrawn' WHERE player_id ="
        " (SELECT player_id FROM orders WHERE id = :id)",
        id=order,
    ),
}


@pytest.fixture
def payers(small_club: Pipeline) -> tuple[SmallClub, list[int]]:
    """A club with a family for each way to owe nothing any more, mailed days ago and holding a live link again."""
    club = club_in_denver(small_club)
    orders = [order for how in PAYMENTS for order in club.family(how, f"{how.split()[-1]}@example.com")]
    club.pipeline.run(CUP)
    go_to(club, 13, days=2)
    for order in orders:
        club.ensure_link(order)
    return club, orders


def test_who_owes_nothing_any_more_is_not_reminded(payers: tuple[SmallClub, list[int]]) -> None:
    club, orders = payers
    for pay, order in zip(PAYMENTS.values(), orders, strict=True):
        pay(club, order)
    assert reminded(club) == 0
    assert len(mails(club)) == len(orders)


def test_nor_where_that_happens_after_the_reminder_was_queued(payers: tuple[SmallClub, list[int]]) -> None:
    club, orders = payers
    campaign, batch = ready_to_go(club)
    assert len(batch) == len(orders)
    for pay, order in zip(PAYMENTS.values(), orders, strict=True):
        pay(club, order)
    assert deliver(club, campaign, batch) == {"skipped": len(orders)}
    assert len(mails(club)) == len(orders)


def test_who_is_suppressed_is_not_reminded_however_late(club: SmallClub) -> None:
    campaign, batch = ready_to_go(club)
    club.sql(
        "INSERT INTO tournament_fees.suppressions (mailbox, address, reason, source, since, by_whom)"
        " VALUES ('jo.ek@example.com', 'jo.ek@example.com', 'asked for it', 'hand', now(), 'Ann')"
    )
    assert deliver(club, campaign, batch) == {"skipped": 1}
    go_to(club, 13, days=3)
    assert reminded(club) == 0
    assert len(mails(club)) == 1


def test_families_that_share_a_mailbox_take_turns(small_club: Pipeline) -> None:
    club = club_in_denver(small_club)
    club.family("Berg", "shared@example.com")
    club.family("Lund", "shared@example.com")
    club.pipeline.run(CUP)
    turns = []
    for _ in range(4):
        go_to(club, 13, days=2)
        assert reminded(club) == 1
        turns.append(club.messages()[-1].family)
    assert turns == ["berg", "lund", "berg", "lund"]


def test_the_tournament_that_ends_first_comes_first(club: SmallClub) -> None:
    second_tournament(club)
    order_fall_cup(club)
    club.pipeline.run("Fall Cup")
    set_days(club, deadline=9, event=None, tournament=2)
    go_to(club, 13, days=3)
    assert [summary.campaign.tournament for summary in remind(club)] == ["Fall Cup"]


def names_to_remind(club: SmallClub, **options: object) -> list[str]:
    chosen = ReminderOptions.model_validate(options)
    return [tournament.name for tournament in tournaments_to_remind(club.pipeline.services, chosen)]


def test_seasons_past_are_not_gone_through_whatever_their_time_zone(club: SmallClub) -> None:
    second_tournament(club)
    order_fall_cup(club)
    club.pipeline.run("Fall Cup")
    assert names_to_remind(club) == [CUP, "Fall Cup"]
    set_days(club, deadline=-3, event=9, tournament=2)
    club.sql("UPDATE tournaments SET time_zone = 'Utah/Salt_Lake' WHERE id = 2")
    assert names_to_remind(club) == [CUP]
    set_days(club, deadline=None, event=None, tournament=1)
    assert names_to_remind(club) == [CUP], "one without a date is never over"
    assert names_to_remind(club, tournament="Fall Cup") == ["Fall Cup"], "who asks for one is told how it stands"


def test_a_last_day_that_is_not_over_somewhere_on_earth_is_kept(club: SmallClub) -> None:
    now = club.pipeline.clock()
    eleven = datetime.combine(now.date() + timedelta(days=1), time(11, 30), UTC)
    club.pipeline.later(eleven - now)
    yesterday = eleven.date() - timedelta(days=1)
    club.sql("UPDATE tournaments SET time_zone = 'Etc/GMT+12', payment_deadline = :day", day=yesterday)
    assert names_to_remind(club) == [CUP]
    assert opened(club) is not None, "there it is half past eleven in the evening of the last day"
    club.pipeline.later(timedelta(days=1))
    assert names_to_remind(club) == []


# The limits, at the moment of sending


def test_another_message_meanwhile_takes_the_reminders_place(club: SmallClub) -> None:
    second_tournament(club)
    order_fall_cup(club)
    campaign, batch = ready_to_go(club)
    assert club.pipeline.run("Fall Cup").sent == 1
    assert deliver(club, campaign, batch) == {"skipped": 1}
    assert last(club)[0] == "sent"
    assert ("skipped", "mailed_recently") in [(row.status, row.reason) for row in club.messages()]


def test_nothing_is_asked_of_stripe_for_a_reminder_that_is_held(club: SmallClub) -> None:
    campaign, batch = ready_to_go(club)
    club.pipeline.run(CUP, sequence=2)
    club.pipeline.stand_in.clear_requests()
    deliver(club, campaign, batch)
    assert club.calls("POST") == []


def test_of_two_tournaments_reminders_at_one_moment_one_goes_out(small_club: Pipeline) -> None:
    club = club_in_denver(small_club)
    second_tournament(club)
    for number in range(6):
        club.family(f"Family{number}", f"family{number}@gmail.com")
    order_fall_cup(club)
    club.sql("UPDATE parents SET email = replace(email, 'family', 'fam.ily') WHERE id % 2 = 0")
    club.pipeline.run(CUP)
    club.pipeline.run("Fall Cup")
    go_to(club, 13, days=3)
    campaigns = [opened(club, tournament) for tournament in (1, 2)]
    barrier = Barrier(2)

    def send(campaign: Campaign | None) -> int:
        assert campaign is not None
        (batch,) = plan_batches(club.pipeline.services, campaign, 500)
        barrier.wait()
        return deliver_batch(club.pipeline.services, campaign, batch, None)["sent"]

    before = len(mails(club))
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(send, campaigns)) == 6
    assert len(mails(club)) - before == 6
    for number in range(6):
        to = [
            mail
            for mail in club.pipeline.inbox.messages()
            if f"family{number}@" in mail["X-Envelope-To"].replace("m.i", "mi")
        ]
        assert len(to) == 3, "a notice of each tournament, and one reminder"


def test_the_last_guard_is_asked_when_the_mail_server_is_ready(club: SmallClub) -> None:
    """What happens between the look at the limits and the server's 354 counts as well."""
    campaign, _ = ready_to_go(club)
    services = club.pipeline.services
    limits = ReminderLimits.of(services.settings)
    box = Outbox(services.database, campaign.id, services.clock, 3, 60, reminders=limits)
    with box.claim([club.messages()[-1].id]) as claim:
        (message,) = claim.take(claim.ids[0])
        assert claim.reminder_obstacle(message) is None
        links = [club.ensure_link(order) for order in message.order_ids]
        claim.record_links(links)
        club.pipeline.run(CUP, sequence=2)
        claim.record_links([club.ensure_link(order) for order in message.order_ids])
        assert not claim.enter_sending(message, drafted(message, links))
        claim.outbox = replace(box, reminders=None)
        assert claim.enter_sending(message, drafted(message, links)), "nothing else was in the way"
        claim.record(message, Delivery(DeliveryOutcome.SENT, Phase.AFTER_DOT, 250, "taken"))


def test_what_would_go_out_at_night_waits_for_the_morning(club: SmallClub) -> None:
    go_to(club, 20)
    (summary,) = remind(club)
    assert dict(summary.messages) == {("queued", "quiet_hours"): 1}
    assert "1 wait (it is night there): due from" in sentence(summary)
    go_to(club, 7)
    assert club.pipeline.retry() == []
    go_to(club, 8)
    (again,) = club.pipeline.retry()
    assert again.sent == 1


def test_the_night_can_fall_between_queueing_and_sending(club: SmallClub) -> None:
    go_to(club, 19)
    campaign, batch = ready_to_go(club)
    go_to(club, 20)
    assert deliver(club, campaign, batch) == {"queued": 1}
    assert last(club) == ("queued", "quiet_hours")


def test_the_last_day_to_pay_is_the_last_day_to_be_reminded(club: SmallClub) -> None:
    set_days(club, deadline=0, event=9)
    assert reminded(club) == 1
    go_to(club, 13, days=3)
    assert reminded(club) == 0


@pytest.mark.parametrize(("deadline", "event"), [(-1, 5), (None, -1)])
def test_nobody_is_reminded_after_the_deadline_or_else_the_event(
    club: SmallClub, deadline: int | None, event: int
) -> None:
    set_days(club, deadline=deadline, event=event)
    assert remind(club) == []


def test_a_deadline_that_passes_while_a_reminder_waits_ends_it(club: SmallClub) -> None:
    set_days(club, deadline=0, event=9)
    go_to(club, 21)
    remind(club)
    assert last(club) == ("queued", "quiet_hours")
    go_to(club, 9)
    club.pipeline.retry()
    assert last(club) == ("skipped", "deadline_passed")
    assert len(mails(club)) == 1


def test_the_most_reminders_hold_at_the_moment_of_sending(club: SmallClub) -> None:
    for _ in range(3):
        assert reminded(club) == 1
        go_to(club, 13, days=2)
    campaign, batch = ready_to_go(limited(club, reminder_most=4))
    assert deliver(club, campaign, batch) == {"skipped": 1}
    assert last(club) == ("skipped", "reminded_enough")


def test_one_that_a_person_sent_again_counts_before_the_queue_as_it_does_at_the_moment_of_sending(
    club: SmallClub,
) -> None:
    assert reminded(club) == 1
    club.sql("UPDATE tournament_fees.messages SET status = 'resent' WHERE kind = 'reminder'")
    go_to(club, 13, days=2)
    assert reminded(club) == 1
    go_to(club, 13, days=2)
    assert opened(limited(club, reminder_most=2)) is None, "else it is queued every day, to be skipped"


# What people decide


def test_an_uncertain_notice_counts_as_mailed_and_is_left_to_a_person(club: SmallClub) -> None:
    club.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply'")
    assert reminded(club) == 1
    assert [row.status for row in club.messages()] == ["uncertain", "sent"]


def test_an_order_that_a_campaign_is_about_to_mail_is_left_to_it(club: SmallClub) -> None:
    open_campaign(club.pipeline.services, CUP, "fee_notice", CampaignOptions(sequence=2))
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending' WHERE sequence = '2'")
    assert remind(club) == []


def test_a_stopped_campaign_ends_the_reminders_until_another_is_sent(club: SmallClub) -> None:
    stop(club, "fee_notice", "1")
    assert remind(club) == []
    with pytest.raises(ConfigurationError, match=r"nobody to remind of 'Spring Cup': its last campaign was stopped"):
        remind(club, tournament=CUP)
    club.pipeline.run(CUP, sequence=2)
    go_to(club, 13, days=2)
    assert reminded(club) == 1


def test_reminders_that_were_stopped_do_not_come_back_the_next_day(club: SmallClub) -> None:
    go_to(club, 21)
    remind(club)
    stop(club, "reminder", local_time(club).date().isoformat())
    go_to(club, 13, days=3)
    assert remind(club) == []
    assert len(mails(club)) == 1


def test_a_tournament_that_nobody_was_mailed_about_is_named(club: SmallClub) -> None:
    second_tournament(club)
    with pytest.raises(ConfigurationError, match="nobody to remind of 'Fall Cup': nobody was mailed about it yet"):
        remind(club, tournament="Fall Cup")


def test_a_time_zone_that_does_not_exist_is_named_before_anything_is_queued(club: SmallClub) -> None:
    club.sql("UPDATE tournaments SET time_zone = 'Utah/Salt_Lake'")
    with pytest.raises(ConfigurationError, match="no time zone 'Utah/Salt_Lake'"):
        remind(club)
    assert len(club.messages()) == 1


def test_more_than_allowed_stops_before_the_first(club: SmallClub) -> None:
    club.family("Berg", "berg@example.com")
    club.pipeline.run(CUP)
    go_to(club, 13, days=3)
    with pytest.raises(ConfigurationError, match="2 messages would go out, more than the 1"):
        remind(club, at_most=1)
    assert len(mails(club)) == 2
