"""What is sent again: what is due by itself, and what a person chooses; what was sent is never touched."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row

from tasks.core.errors import ConfigurationError
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tasks.operations.options import RetryChoice, StopChoice
from tasks.operations.retry import Retried, retry_messages
from tasks.operations.stop import stop_campaign
from tests.integration.delivery.test_outbox import LATER, NO_REPLY, REFUSED, attempts, drafted, outbox, ready
from tests.support.harness import Pipeline, links_in
from tests.support.small_club import CUP, SmallClub

GONE = Delivery(DeliveryOutcome.FAILED, Phase.RCPT, 550, "5.1.1 no such user")


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club with one family, whose campaign is being sent."""
    club = SmallClub.on(small_club)
    club.family()
    club.begin_sending()
    return club


def the_message(club: SmallClub) -> Row[Any]:
    (row,) = club.messages()
    return row


def bring_to(club: SmallClub, delivery: Delivery) -> Row[Any]:
    """Let the first message end as the mail server's reply says, and its campaign be done where nothing is owed."""
    with ready(club) as (claim, message, _links):
        claim.record(message, delivery)
    club.pipeline.run(CUP)
    return club.messages()[0]


def make_uncertain(club: SmallClub) -> Row[Any]:
    """Send the message for real, as a mail server that takes it and never says so."""
    club.pipeline.run(CUP)
    club.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply' WHERE status = 'sent'")
    return club.messages()[0]


def resend(club: SmallClub, count: int = 1) -> None:
    club.pipeline.retry(uncertain=True, count=count, by="Ann Operator")


# By itself


def test_what_the_server_put_off_goes_out_when_it_is_due(club: SmallClub) -> None:
    message = bring_to(club, LATER)
    assert (message.status, message.reason) == ("queued", "put_off_by_server")
    assert club.pipeline.retry() == []
    club.pipeline.later(timedelta(minutes=7))
    (summary,) = club.pipeline.retry()
    assert summary.messages == {("sent", ""): 1}
    assert club.pipeline.retry() == []
    assert attempts(club, message.id) == ["deferred", "sending", "sent"]


@pytest.mark.parametrize("state", ["draft", "awaiting_approval", "stopped", "done"])
def test_only_campaigns_that_are_being_sent_are_taken_up(club: SmallClub, state: str) -> None:
    club.sql("UPDATE tournament_fees.campaigns SET state = :state", state=state)
    assert club.pipeline.retry() == []
    assert club.pipeline.inbox.messages() == []


def test_an_order_that_is_new_does_not_join_by_itself(club: SmallClub) -> None:
    club.family("Berg", "berg@example.com")
    club.pipeline.retry()
    assert [mail["X-Envelope-To"] for mail in club.pipeline.inbox.messages()] == ["jo.ek@example.com"]
    club.pipeline.run(CUP)
    assert len(club.pipeline.inbox.to("berg@example.com")) == 1


def test_an_address_that_was_corrected_meanwhile_is_the_one_that_is_mailed(club: SmallClub) -> None:
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    club.pipeline.retry()
    assert [mail["X-Envelope-To"] for mail in club.pipeline.inbox.messages()] == ["jo@example.org"]


def test_a_corrected_address_lets_nobody_else_join(club: SmallClub) -> None:
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    club.family("Berg", "berg@example.com")
    club.pipeline.retry()
    assert [mail["X-Envelope-To"] for mail in club.pipeline.inbox.messages()] == ["jo@example.org"]


def test_a_dead_link_is_renewed_and_the_message_written_again(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.record(message, LATER)
    club.pipeline.later(timedelta(days=2))
    club.pipeline.retry()
    (mail,) = club.pipeline.inbox.messages()
    (link,) = links_in(mail)
    assert link != links[0].url
    assert link in {session["url"] for session in club.sessions(message.order_ids[0]) if session["status"] == "open"}


def test_a_lost_workers_messages_come_back_by_themselves(club: SmallClub) -> None:
    with outbox(club).claim([the_message(club).id]):
        club.sql("UPDATE tournament_fees.messages SET lease_expires_at = now() - interval '1 second'")
        (summary,) = club.pipeline.retry()
    assert summary.messages == {("sent", ""): 1}


def test_what_a_lost_worker_had_on_the_wire_is_told_once_though_nothing_is_due(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
    club.sql("UPDATE tournament_fees.messages SET lease_expires_at = now() - interval '1 second'")
    services = club.pipeline.services
    assert retry_messages(services, RetryChoice()) == Retried((), lost=1)
    assert retry_messages(services, RetryChoice()) == Retried((), lost=0)


# By hand


def test_failed_ones_are_sent_again_once_their_cause_is_mended(club: SmallClub) -> None:
    message = bring_to(club, REFUSED)
    assert club.one("SELECT state FROM tournament_fees.campaigns") == "done"
    club.pipeline.retry(failed=True, by="Ann Operator")
    again = the_message(club)
    assert (again.status, again.message_id) == ("sent", message.message_id)
    kept = club.sql("SELECT action, message_id, by_whom FROM tournament_fees.operator_actions")
    assert [tuple(row) for row in kept] == [("retry", message.id, "Ann Operator")]


def test_a_failed_message_goes_to_the_address_that_was_corrected(club: SmallClub) -> None:
    bring_to(club, GONE)
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    club.pipeline.retry(failed=True, by="Ann Operator")
    assert [mail["X-Envelope-To"] for mail in club.pipeline.inbox.messages()] == ["jo@example.org"]


def test_an_address_that_does_not_exist_is_not_tried_again_uncorrected(club: SmallClub) -> None:
    bring_to(club, GONE)
    club.pipeline.retry(failed=True, by="Ann Operator")
    assert (the_message(club).status, the_message(club).reason) == ("skipped", "suppressed")
    assert club.pipeline.inbox.messages() == []


def test_a_message_that_was_put_off_too_often_gets_all_its_attempts_again(club: SmallClub) -> None:
    message = the_message(club)
    club.sql("UPDATE tournament_fees.messages SET status = 'failed', reason = 'gave_up', attempts = 5")
    club.sql("UPDATE tournament_fees.campaigns SET state = 'done'")
    club.pipeline.retry(failed=True, message_ids=(message.id,), by="Ann Operator")
    assert the_message(club).status == "sent"
    club.sql("UPDATE tournament_fees.messages SET status = 'queued'")
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    with ready(club) as (claim, taken, _links):
        assert claim.record(taken, LATER) == "queued"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"failed": True, "message_ids": (1_000_000,), "by": "Ann"}, "there is no message 1000000"),
        ({"uncertain": True, "count": 2, "by": "Ann"}, "1 uncertain messages were found, not 2"),
        pytest.param(
            {"uncertain": True, "by": "Ann"}, "How many uncertain messages you mean", marks=pytest.mark.only_long
        ),
        pytest.param({"failed": True}, "Your name .* was expected", marks=pytest.mark.only_long),
        pytest.param({"failed": True, "by": "  "}, "Your name .* was expected", marks=pytest.mark.only_long),
        pytest.param(
            {"message_ids": (1,), "by": "Ann"}, "A choice of failed or uncertain ones", marks=pytest.mark.only_long
        ),
        ({"failed": True, "by": "Ann"}, "no failed message to be found"),
        ({"tournament": "Nowhere", "failed": True, "by": "Ann"}, "no tournament 'Nowhere'"),
    ],
)
def test_a_choice_that_cannot_be_meant_does_nothing(club: SmallClub, choice: dict[str, Any], said: str) -> None:
    make_uncertain(club)
    before = club.messages()
    with pytest.raises(ConfigurationError, match=said):
        club.pipeline.retry(**choice)
    assert club.messages() == before
    assert club.sql("SELECT * FROM tournament_fees.operator_actions") == []
    assert len(club.pipeline.inbox.messages()) == 1


def test_what_was_sent_cannot_be_chosen(club: SmallClub) -> None:
    club.pipeline.run(CUP)
    message = the_message(club)
    with pytest.raises(ConfigurationError, match=f"message {message.id} is sent"):
        club.pipeline.retry(failed=True, uncertain=True, count=1, message_ids=(message.id,), by="Ann")
    assert len(club.pipeline.inbox.messages()) == 1


def test_a_stopped_campaign_cannot_be_retried(club: SmallClub) -> None:
    message = bring_to(club, REFUSED)
    club.sql("UPDATE tournament_fees.campaigns SET state = 'stopped'")
    with pytest.raises(ConfigurationError, match="no failed message"):
        club.pipeline.retry(failed=True, by="Ann")
    with pytest.raises(ConfigurationError, match=f"message {message.id} is failed, its campaign stopped"):
        club.pipeline.retry(failed=True, message_ids=(message.id,), by="Ann")
    assert club.pipeline.inbox.messages() == []


def test_the_other_tournaments_messages_are_not_meant(club: SmallClub) -> None:
    message = bring_to(club, REFUSED)
    club.sql("INSERT INTO tournaments (id, name) VALUES (2, 'Fall Cup')")
    with pytest.raises(ConfigurationError, match=f"message {message.id} is failed, its campaign done, of another"):
        club.pipeline.retry(tournament="Fall Cup", failed=True, message_ids=(message.id,), by="Ann")


# Uncertain ones


def test_an_uncertain_message_is_never_sent_again_by_itself(club: SmallClub) -> None:
    make_uncertain(club)
    assert club.pipeline.retry() == []
    assert club.pipeline.retry(tournament=CUP) == []
    assert len(club.pipeline.inbox.messages()) == 1


def test_the_same_bytes_are_sent_again_under_the_same_message_id(club: SmallClub) -> None:
    message = make_uncertain(club)
    club.pipeline.later(timedelta(minutes=10))
    resend(club)
    first, second = club.pipeline.inbox.messages()
    for mail in (first, second):
        del mail["X-Caught-At"]
    assert first.as_bytes() == second.as_bytes()
    assert [(row.id, row.status, row.message_id) for row in club.messages()] == [
        (message.id, "sent", message.message_id)
    ]


CHANGES = {
    "a dead link": "UPDATE orders SET stripe_checkout_session_id = NULL",
    "another name": "UPDATE players SET first_name = 'Maximilian'",
    "another address": "UPDATE parents SET email = 'jo@example.org'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_cannot_go_out_unchanged_goes_as_a_renewed_link(club: SmallClub, change: str) -> None:
    message = make_uncertain(club)
    if change == "a dead link":
        club.pipeline.later(timedelta(days=2))
    else:
        club.sql(CHANGES[change])
    resend(club)
    old, new = club.messages()
    assert (old.status, old.reason, list(old.orders)) == ("resent", "renewed", [])
    assert (new.status, new.kind, new.resend_of) == ("sent", "renewed_link", message.id)
    assert list(new.orders) == list(message.orders)
    assert new.message_id != message.message_id
    first, second = club.pipeline.inbox.messages()
    assert second["Subject"] == "New payment link for Child0 Ek: Spring Cup" or change == "another name"
    assert second["Message-ID"] != first["Message-ID"]
    assert second["X-Envelope-To"] == ("jo@example.org" if change == "another address" else "jo.ek@example.com")
    assert set(links_in(second)) == {
        session["url"] for session in club.sessions(new.orders[0]) if session["status"] == "open"
    }
    assert club.pipeline.retry() == []
    assert club.pipeline.run(CUP).sent == 0


def test_a_message_that_was_on_the_wire_before_digests_were_kept_is_not_taken_for_the_same(club: SmallClub) -> None:
    make_uncertain(club)
    club.sql("UPDATE tournament_fees.messages SET content_digest = NULL, dated_at = NULL")
    resend(club)
    assert [row.status for row in club.messages()] == ["resent", "sent"]


def test_the_ledger_itself_lets_no_other_bytes_out_under_that_message_id(club: SmallClub) -> None:
    make_uncertain(club)
    club.sql(
        "UPDATE tournament_fees.messages SET status = 'queued', maybe_delivered = TRUE, next_attempt_at = created_at"
    )
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    with ready(club) as (claim, message, links):
        assert not claim.enter_sending(message, drafted(message, links, b"Other bytes"))


def test_one_that_was_put_off_when_sent_again_still_goes_unchanged_or_not_at_all(club: SmallClub) -> None:
    make_uncertain(club)
    club.sql(
        "UPDATE tournament_fees.messages SET status = 'queued', maybe_delivered = TRUE, next_attempt_at = created_at"
    )
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    with ready(club) as (claim, message, _links):
        assert claim.record(message, LATER) == "queued"
    club.sql("UPDATE players SET first_name = 'Maximilian'")
    club.pipeline.later(timedelta(minutes=15))
    club.pipeline.retry()
    assert [row.status for row in club.messages()] == ["resent", "sent"]


def test_a_parent_who_has_paid_meanwhile_is_not_mailed_again(club: SmallClub) -> None:
    message = make_uncertain(club)
    (session,) = club.payable(message.orders[0])
    club.pipeline.stand_in.pay(session)
    resend(club)
    assert (the_message(club).status, the_message(club).reason) == ("skipped", "paid")
    assert len(club.pipeline.inbox.messages()) == 1


def test_a_resent_message_whose_reply_is_lost_again_can_be_settled_again(club: SmallClub) -> None:
    make_uncertain(club)
    club.sql("UPDATE players SET first_name = 'Maximilian'")
    resend(club)
    club.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply' WHERE status = 'sent'")
    club.sql("UPDATE players SET first_name = 'Max'")
    resend(club)
    assert [(row.status, row.kind) for row in club.messages()] == [
        ("resent", "fee_notice"),
        ("resent", "renewed_link"),
        ("sent", "renewed_link"),
    ]


def test_no_reply_to_a_renewed_one_is_uncertain_as_any(club: SmallClub) -> None:
    with ready(club) as (claim, message, _links):
        assert claim.record(message, NO_REPLY) == "uncertain"


# What may have been delivered before


@pytest.mark.parametrize("said", [REFUSED, GONE])
def test_one_that_may_have_been_delivered_stays_uncertain_where_it_is_refused_the_second_time(
    club: SmallClub, said: Delivery
) -> None:
    make_uncertain(club)
    resend_queued(club)
    with ready(club) as (claim, message, _links):
        assert message.maybe_delivered
        assert claim.record(message, said) == "uncertain"
    assert (the_message(club).status, the_message(club).reason) == ("uncertain", "no_reply")


def test_one_that_may_have_been_delivered_stays_uncertain_where_it_cannot_be_written_any_more(club: SmallClub) -> None:
    make_uncertain(club)
    resend_queued(club)
    with ready(club) as (claim, message, _links):
        assert claim.defer(message.id, "failed", "cannot_be_written", error="too long") == "uncertain"
    assert the_message(club).reason == "no_reply"


def test_one_that_may_have_been_delivered_is_uncertain_again_where_its_campaign_is_stopped(club: SmallClub) -> None:
    make_uncertain(club)
    resend_queued(club)
    stop_campaign(club.pipeline.services, CUP, StopChoice(), by="Ann", why="")
    assert (the_message(club).status, the_message(club).reason) == ("uncertain", "no_reply")


def resend_queued(club: SmallClub) -> None:
    """Queue the uncertain message to be sent again, and stop there."""
    retry_messages(club.pipeline.services, RetryChoice(uncertain=True, count=1, by="Ann"))
    assert the_message(club).status == "queued"
