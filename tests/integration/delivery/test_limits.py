"""The sending limits: no hour and no day has more than its limit, whoever sends, and the rest says when it goes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.campaigns.report import sentence
from tasks.core.errors import TransientError
from tasks.core.rate_limit import RateLimit
from tasks.delivery.outbox import Outbox
from tasks.mail.quota import Quota
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tasks.services import sending_rate_limit
from tests.integration.delivery.test_outbox import drafted, ids, outbox, statuses
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SmallClub

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SENT = Delivery(DeliveryOutcome.SENT, Phase.AFTER_DOT, 250, "taken")


def club_of(pipeline: Pipeline, families: int) -> SmallClub:
    club = SmallClub.on(pipeline)
    for number in range(families):
        club.family(f"Family{number}", f"family{number}@example.com")
    return club


def due_times(club: SmallClub) -> list[datetime]:
    return sorted(row.next_attempt_at for row in club.messages() if row.status == "queued")


def test_what_is_over_the_hours_limit_waits_with_its_reason_and_goes_an_hour_later(small_club: Pipeline) -> None:
    club = club_of(small_club.under(send_limit_per_hour=2), 5)
    before = club.pipeline.clock()
    summary = club.pipeline.run(CUP)
    assert summary.messages == {("sent", ""): 2, ("queued", "quota"): 3}
    (wait,) = summary.waits
    assert (wait.reason, wait.messages) == ("quota", 3)
    assert before + HOUR <= wait.first_due <= club.pipeline.clock() + HOUR
    assert before + 2 * HOUR <= wait.last_due <= club.pipeline.clock() + 2 * HOUR
    assert f"3 wait (over the sending limit): due from {wait.first_due:%Y-%m-%d %H:%M} UTC, the last at" in sentence(
        summary
    )
    assert club.pipeline.retry() == [], "nothing is due before its time"

    club.pipeline.later(HOUR + timedelta(minutes=1))
    (again,) = club.pipeline.retry()
    assert (again.sent, again.having("queued")) == (2, 1)
    club.pipeline.later(HOUR + timedelta(minutes=1))
    (last,) = club.pipeline.retry()
    assert last.messages == {("sent", ""): 5}
    assert len(club.pipeline.inbox.messages()) == 5
    assert club.one("SELECT state FROM tournament_fees.campaigns") == "done"


def test_nothing_is_asked_of_stripe_for_a_message_over_the_limit(small_club: Pipeline) -> None:
    club = club_of(small_club.under(send_limit_per_hour=1), 4)
    club.pipeline.run(CUP)
    assert len(club.calls("POST")) == 1


def test_the_days_limit_holds_where_the_hours_does_not_bind(small_club: Pipeline) -> None:
    club = club_of(small_club.under(send_limit_per_hour=10, send_limit_per_day=2), 3)
    now = club.pipeline.clock()
    club.pipeline.run(CUP)
    (due,) = due_times(club)
    assert now + DAY <= due <= club.pipeline.clock() + DAY


def test_what_waits_is_counted_with_another_campaigns_mail(small_club: Pipeline) -> None:
    club = club_of(small_club.under(send_limit_per_hour=3), 2)
    club.pipeline.run(CUP)
    second = club.pipeline.run(CUP, sequence=2)
    assert second.messages == {("sent", ""): 1, ("queued", "quota"): 1}


def test_a_message_that_the_server_refuses_before_its_body_does_not_count(small_club: Pipeline) -> None:
    club = club_of(small_club.under(send_limit_per_hour=1), 2)
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    with replace(outbox(club), quota=Quota(per_hour=1)).claim(ids(club)) as claim:
        (message,) = claim.take(claim.ids[0])
        claim.record(message, Delivery(DeliveryOutcome.FAILED, Phase.RCPT, 550, "no such user"))
        assert claim.quota_due() is None


def test_workers_at_the_same_moment_never_exceed_the_limit_together(small_club: Pipeline) -> None:
    club = club_of(small_club, 8)
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    barrier = Barrier(8)

    def enter(message_id: int) -> bool:
        box: Outbox = replace(outbox(club), quota=Quota(per_hour=3, per_day=5), run_id=uuid4())
        with box.claim([message_id]) as claim:
            (message,) = claim.take(message_id)
            links = [club.ensure_link(order) for order in message.order_ids]
            claim.record_links(links)
            barrier.wait()
            entered = claim.enter_sending(message, drafted(message, links))
            if entered:
                claim.record(message, SENT)
            return entered

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(enter, ids(club))) == 3
    assert sorted(statuses(club)) == ["queued"] * 5 + ["sent"] * 3


@given(
    sent=st.lists(st.integers(0, 26 * 60), max_size=12),
    per_hour=st.none() | st.integers(1, 4),
    per_day=st.none() | st.integers(1, 6),
    waiting=st.integers(1, 8),
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sent_when_due_no_hour_and_no_day_has_more_than_its_limit(
    limits_club: SmallClub, sent: list[int], per_hour: int | None, per_day: int | None, waiting: int
) -> None:
    """`sent` holds how many minutes ago each message went out; then `waiting` more want to go now."""
    now = limits_club.pipeline.clock().replace(microsecond=0)
    with limits_club.pipeline.owner.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE tournament_fees.delivery_attempts DISABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM tournament_fees.delivery_attempts")
        connection.exec_driver_sql("UPDATE tournament_fees.messages SET status = 'skipped', reason = 'paid'")
    (message_id, *_) = ids(limits_club)
    for ago in sent:
        count_a_sending(limits_club, message_id, now - timedelta(minutes=ago))
    times = [now - timedelta(minutes=ago) for ago in sent]
    held = {HOUR: per_hour, DAY: per_day}
    kept_before = all(fits(times, span, most) for span, most in held.items())
    planned = []
    for waiter in ids(limits_club)[:waiting]:
        with limits_club.pipeline.owner.transaction() as connection:
            due = Quota(per_hour, per_day).due(connection, now)
        if due is None:
            assert all(most is None or recent(times, now, span) < most for span, most in held.items())
            count_a_sending(limits_club, message_id, now)
        else:
            assert any(most is not None and recent(times, now, span) >= most for span, most in held.items())
            limits_club.sql(
                "UPDATE tournament_fees.messages SET status = 'queued', reason = 'quota', next_attempt_at = :due"
                " WHERE id = :id",
                due=due,
                id=waiter,
            )
            assert due > now
            planned.append(due)
        times.append(due or now)
    assert planned == sorted(planned), "who came first goes first"
    if kept_before:
        assert all(fits(times, span, most) for span, most in held.items())


@pytest.fixture
def limits_club(small_club: Pipeline) -> SmallClub:
    club = club_of(small_club, 8)
    club.open_campaign()
    return club


def count_a_sending(club: SmallClub, message_id: int, at: datetime) -> None:
    club.sql(
        "INSERT INTO tournament_fees.delivery_attempts (message_id, attempt, outcome, phase, counted_at)"
        " VALUES (:id, 1, 'sending', 'body', :at)",
        id=message_id,
        at=at,
    )


def recent(times: list[datetime], now: datetime, span: timedelta) -> int:
    return sum(now - span < at <= now for at in times)


def fits(times: list[datetime], span: timedelta, most: int | None) -> bool:
    """Whether no span of time, open at its beginning, has more than the limit."""
    return most is None or all(sum(end - span < at <= end for at in times) <= most for end in times)


def test_messages_are_handed_over_in_turns_that_all_workers_share(small_club: Pipeline) -> None:
    """The other workers have used up the turns of the next minutes: a batch stops before it begins a message."""
    club = club_of(small_club, 2)
    rate_limit = RateLimit(club.pipeline.services.database, "messages to the mail server", 0.1)
    rate_limit.back_off(300)
    club = SmallClub(replace(club.pipeline, services=replace(club.pipeline.services, sending=rate_limit)))
    with pytest.raises(TransientError, match="messages to the mail server: the next turn is over 60 seconds away"):
        club.pipeline.run(CUP)
    assert [(row.status, row.attempts) for row in club.messages()] == [("queued", 0)] * 2
    assert club.pipeline.inbox.messages() == []


def test_a_limit_a_second_is_a_pace_and_none_is_none(small_club: Pipeline) -> None:
    services = small_club.services
    assert services.sending is None
    limited_settings = services.settings.model_copy(update={"send_limit_per_second": 50.0})
    rate_limit = sending_rate_limit(limited_settings, services.database)
    assert rate_limit is not None
    club = club_of(small_club, 3)
    assert replace(club.pipeline, services=replace(services, sending=rate_limit)).run(CUP).sent == 3
    assert club.one("SELECT count(*) FROM tournament_fees.paces WHERE name = 'messages to the mail server'") == 1
