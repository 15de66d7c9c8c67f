"""The outbox over real parts: a message is in one hand at a time, on the wire once, and never without a state."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tasks.campaigns.batches import plan_batches
from tasks.campaigns.message import Draft, Message
from tasks.campaigns.report import markdown
from tasks.campaigns.summary import summarize
from tasks.core.errors import ConfigurationError
from tasks.delivery import queries as delivery_queries
from tasks.delivery.outbox import Claim, Outbox
from tasks.links.model import LinkResult
from tasks.mail.transport import Delivery, DeliveryOutcome, Envelope, Phase
from tests.support.harness import Pipeline, waiting_for_locks
from tests.support.small_club import SmallClub
from tests.support.waiting import until

SENT = Delivery(DeliveryOutcome.SENT, Phase.AFTER_DOT, 250, "taken")
REFUSED = Delivery(DeliveryOutcome.FAILED, Phase.RCPT, 550, "no such user")
LATER = Delivery(DeliveryOutcome.DEFERRED, Phase.RCPT, 450, "busy")
NO_REPLY = Delivery(DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, None, "connection lost")


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club with three families, whose campaign is being sent."""
    return SmallClub.sending(small_club, "Ek", "Berg", "Chen")


def outbox(club: SmallClub, max_attempts: int = 3) -> Outbox:
    campaign = club.one("SELECT id FROM tournament_fees.campaigns")
    services = club.pipeline.services
    return Outbox(services.database, campaign, services.clock, max_attempts, reply_timeout=20, run_id=uuid4())


def ids(club: SmallClub) -> list[int]:
    return [row.id for row in club.messages()]


def statuses(club: SmallClub) -> list[str]:
    return [row.status for row in club.messages()]


def attempts(club: SmallClub, message_id: int) -> list[str]:
    rows = club.sql(
        "SELECT outcome FROM tournament_fees.delivery_attempts WHERE message_id = :id ORDER BY id", id=message_id
    )
    return [row.outcome for row in rows]


def drafted(message: Message, links: list[LinkResult], content: bytes = b"Hello") -> Draft:
    """The message with these links, as it would go out."""
    return Draft(Envelope("fees@example.org", message.address, content), datetime(2026, 3, 1, tzinfo=UTC), links)


def lose(club: SmallClub) -> None:
    """Let every lease expire, as if its worker had died."""
    club.sql(
        "UPDATE tournament_fees.messages SET lease_expires_at = now() - interval '1 second'"
        " WHERE lease_token IS NOT NULL"
    )


@contextmanager
def ready(club: SmallClub, max_attempts: int = 3) -> Iterator[tuple[Claim, Message, list[LinkResult]]]:
    """Hold the first message, its links checked just now."""
    with outbox(club, max_attempts).claim(ids(club)[:1]) as claim:
        (message,) = claim.take(claim.ids[0])
        links = [club.ensure_link(order) for order in message.order_ids]
        claim.record_links(links)
        yield claim, message, links


# Claiming


def test_two_claims_get_different_messages(club: SmallClub) -> None:
    every = ids(club)
    with outbox(club).claim(every[:2]) as one, outbox(club).claim(every) as other:
        assert (one.ids, other.ids) == (every[:2], every[2:])
        assert other.take(every[0]) == []


def test_a_claim_that_ends_gives_back_what_it_did_not_settle(club: SmallClub) -> None:
    with outbox(club).claim(ids(club)) as claim:
        assert statuses(club) == ["claimed"] * 3
        claim.defer(claim.ids[0], "skipped", "paid")
    assert statuses(club) == ["skipped", "queued", "queued"]


def test_a_claim_that_fails_gives_everything_back_under_no_lease(club: SmallClub) -> None:
    class BrokenError(Exception):
        pass

    with pytest.raises(BrokenError):  # noqa: SIM117  the claim is what fails
        with outbox(club).claim(ids(club)):
            raise BrokenError
    assert [(row.status, row.lease_token) for row in club.messages()] == [("queued", None)] * 3


@pytest.mark.parametrize("state", ["draft", "stopped", "done", "awaiting_approval"])
def test_only_a_campaign_that_is_being_sent_gives_out_messages(club: SmallClub, state: str) -> None:
    club.sql("UPDATE tournament_fees.campaigns SET state = :state", state=state)
    with outbox(club).claim(ids(club)) as claim:
        assert claim.ids == []


def test_a_message_that_is_due_later_is_not_given_out_before(club: SmallClub) -> None:
    now = club.pipeline.clock()
    with outbox(club).claim(ids(club)[:1]) as claim:
        claim.defer(claim.ids[0], "queued", "link_under_review", due=now + timedelta(minutes=10))
    with outbox(club).claim(ids(club)[:1]) as claim:
        assert claim.ids == []
    club.pipeline.later(timedelta(minutes=11))
    with outbox(club).claim(ids(club)[:1]) as claim:
        assert claim.ids == ids(club)[:1]


# Fencing


def test_a_worker_that_lost_its_message_can_do_nothing_with_it(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        lose(club)
        club.open_campaign()  # brings back what lost workers held
        with outbox(club).claim([message.id]) as successor:
            assert successor.take(message.id)
            assert claim.take(message.id) == []
            assert not claim.enter_sending(message, drafted(message, links))
            assert claim.record(message, SENT) == "lost"
            assert claim.record(message, LATER) == "lost"
            assert claim.defer(message.id, "skipped", "paid") == "lost"
            assert successor.enter_sending(message, drafted(message, links))
            assert successor.record(message, SENT) == "sent"
    assert attempts(club, message.id) == ["sending", "sent"]


def test_an_expired_lease_does_not_enter_sending_even_where_nobody_else_took_it(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        lose(club)
        assert not claim.enter_sending(message, drafted(message, links))
    assert attempts(club, message.id) == []


def test_a_message_does_not_go_out_while_another_worker_is_at_its_orders_link(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        with club.pipeline.services.keeper.ledger.lease(links[0].order_id):
            assert not claim.enter_sending(message, drafted(message, links)), "its session may just be closed"
        assert claim.enter_sending(message, drafted(message, links))


def test_taking_a_message_keeps_the_others_leases_alive(club: SmallClub) -> None:
    with outbox(club).claim(ids(club)) as claim:
        lose(club)
        assert claim.take(claim.ids[0])
        club.open_campaign()
        assert statuses(club) == ["claimed"] * 3


def test_sending_is_entered_once(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        assert claim.enter_sending(message, drafted(message, links))
        assert not claim.enter_sending(message, drafted(message, links))
        assert claim.take(message.id) == []
    assert statuses(club)[0] == "sending", "a claim's end gives back nothing that is on the wire"
    assert attempts(club, message.id) == ["sending"]


def test_a_mailbox_that_somebody_else_is_about_to_mail_is_waited_for(club: SmallClub) -> None:
    with ready(club) as (claim, message, links), ThreadPoolExecutor(1) as pool:
        with club.pipeline.owner.transaction() as connection:
            delivery_queries.lock_mailbox(connection, message_id=message.id)
            entering = pool.submit(claim.enter_sending, message, drafted(message, links))
            until(lambda: waiting_for_locks(club.pipeline) or entering.done())
            assert not entering.done()
        assert entering.result()


CHANGES = {
    "the price": "UPDATE orders SET amount = 4000 WHERE id = :order",
    "the currency": "UPDATE orders SET currency = 'cad' WHERE id = :order",
    "the session": "UPDATE orders SET stripe_checkout_session_id = 'cs_test_of_the_club' WHERE id = :order",
    "no session": "UPDATE orders SET stripe_checkout_session_id = NULL WHERE id = :order",
    "paid": "UPDATE orders SET status = 'paid' WHERE id = :order",
    "cancelled": "UPDATE orders SET status = 'cancelled' WHERE id = :order",
    "deleted": "DELETE FROM orders WHERE id = :order",
    "an old check": "UPDATE tournament_fees.message_orders SET checked_at = now() - interval '121 seconds'"
    " WHERE order_id = :order",
    "a check before the clock was set back": "UPDATE tournament_fees.message_orders"
    " SET checked_at = now() + interval '5 minutes' WHERE order_id = :order",
    "its link closed": "UPDATE tournament_fees.checkout_attempts SET state = 'expired' WHERE order_id = :order",
    "no check": "UPDATE tournament_fees.message_orders SET checked_at = NULL WHERE order_id = :order",
    "another message's order": "UPDATE tournament_fees.message_orders SET message_id = (SELECT max(id)"
    " FROM tournament_fees.messages) WHERE order_id = :order",
    "the campaign stopped": "UPDATE tournament_fees.campaigns SET state = 'stopped' WHERE :order > 0",
    "the lease taken": "UPDATE tournament_fees.messages SET lease_token = gen_random_uuid() WHERE :order > 0"
    " AND lease_token IS NOT NULL",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_has_changed_since_the_check_does_not_go_out(club: SmallClub, change: str) -> None:
    with ready(club) as (claim, message, links):
        club.sql(change, order=message.order_ids[0])
        assert not claim.enter_sending(message, drafted(message, links))
    assert attempts(club, message.id) == []


def test_one_changed_order_of_several_holds_the_message_back(club: SmallClub) -> None:
    orders = club.family("Dahl", "dahl@example.com", children=3)
    club.open_campaign()
    (last,) = [row.id for row in club.messages() if row.family == "dahl"]
    with outbox(club).claim([last]) as claim:
        (message,) = claim.take(last)
        assert list(message.order_ids) == orders
        links = [club.ensure_link(order) for order in orders]
        claim.record_links(links)
        club.set_order(orders[1], amount=4000)
        assert not claim.enter_sending(message, drafted(message, links))
        club.set_order(orders[1], amount=5500)
        assert claim.enter_sending(message, drafted(message, links))


# What became of it


def test_what_is_sent_stays_sent(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        assert claim.record(message, SENT) == "sent"
        assert claim.record(message, REFUSED) == "lost"
    club.open_campaign()
    (first, *_) = club.messages()
    assert (first.status, first.attempts, first.lease_token, first.last_error) == ("sent", 1, None, None)
    assert first.links_die_at == links[0].expires_at


def test_what_the_server_puts_off_is_queued_for_later_up_to_the_last_attempt(club: SmallClub) -> None:
    for attempt in (1, 2):
        with ready(club) as (claim, message, _links):
            assert claim.record(message, LATER) == "queued"
        first = club.messages()[0]
        assert (first.attempts, first.reason) == (attempt, "put_off_by_server")
        assert first.next_attempt_at > club.pipeline.clock()
        club.pipeline.later(timedelta(minutes=15))
    with ready(club) as (claim, message, _links):
        assert claim.record(message, LATER) == "failed"
    assert (club.messages()[0].reason, attempts(club, message.id)) == ("gave_up", ["deferred"] * 3)


def test_a_connection_lost_before_the_final_dot_is_tried_again(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        assert claim.enter_sending(message, drafted(message, links))
        lost = Delivery(DeliveryOutcome.DEFERRED, Phase.BODY, None, "connection lost")
        assert claim.record(message, lost) == "queued"
    club.pipeline.later(timedelta(minutes=10))
    with ready(club) as (claim, again, links):
        assert (again.id, again.message_id, again.attempts) == (message.id, message.message_id, 1)
        assert claim.enter_sending(again, drafted(again, links))


def test_what_the_server_refuses_fails_for_good(club: SmallClub) -> None:
    with ready(club) as (claim, message, _links):
        assert claim.record(message, REFUSED) == "failed"
    club.open_campaign()
    club.pipeline.run("Spring Cup")
    first = club.messages()[0]
    assert (first.status, first.reason, first.last_error) == ("failed", "refused_by_server", "no such user")
    assert attempts(club, message.id) == ["failed"]


def test_attempts_are_never_changed_or_forgotten(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        claim.record(message, SENT)
    for statement in (
        "UPDATE tournament_fees.delivery_attempts SET outcome = 'failed'",
        "DELETE FROM tournament_fees.delivery_attempts",
        "DELETE FROM tournament_fees.checkout_attempts",
    ):
        with pytest.raises(RuntimeError, match="is append-only"):
            club.sql(statement)
    assert attempts(club, message.id) == ["sending", "sent"]


# Lost workers


def test_a_claimed_message_of_a_lost_worker_comes_back(club: SmallClub) -> None:
    with ready(club):
        lose(club)
        club.open_campaign()
        assert statuses(club) == ["queued"] * 3
    summary = club.pipeline.run("Spring Cup")
    assert summary.messages == {("sent", ""): 3}


def test_a_message_that_a_lost_worker_had_on_the_wire_is_uncertain_and_never_sent_again(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
    lose(club)
    for _ in range(2):
        club.pipeline.run("Spring Cup")
    first = club.messages()[0]
    assert (first.status, first.reason) == ("uncertain", "worker_lost")
    assert attempts(club, message.id) == ["sending", "uncertain"]
    assert club.pipeline.inbox.to(message.address) == []
    assert len(club.pipeline.inbox.messages()) == 2


def test_a_message_on_the_wire_is_left_to_its_worker_while_that_lives(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        club.pipeline.run("Spring Cup")
        assert statuses(club)[0] == "sending"
        assert claim.record(message, SENT) == "sent"


def test_an_unclear_end_is_uncertain_and_never_sent_again(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        assert claim.record(message, NO_REPLY) == "uncertain"
    club.pipeline.run("Spring Cup")
    assert statuses(club) == ["uncertain", "sent", "sent"]
    assert club.pipeline.inbox.to(message.address) == []


@pytest.mark.parametrize(("reply", "status"), [(SENT, "sent"), (REFUSED, "failed"), (LATER, "failed")])
def test_a_late_definite_reply_settles_what_was_uncertain(club: SmallClub, reply: Delivery, status: str) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        lose(club)
        club.open_campaign()
        assert statuses(club)[0] == "uncertain"
        assert claim.record(message, reply) == status
    assert attempts(club, message.id) == ["sending", "uncertain", reply.outcome.value]


@pytest.mark.parametrize(("reply", "status"), [(SENT, "sent"), (REFUSED, "uncertain"), (LATER, "uncertain")])
def test_a_late_refusal_of_the_second_time_says_nothing_about_the_first(
    club: SmallClub, reply: Delivery, status: str
) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        lose(club)
        club.open_campaign()
        club.sql("UPDATE tournament_fees.messages SET maybe_delivered = TRUE WHERE id = :id", id=message.id)
        assert claim.record(message, reply) == status
    assert attempts(club, message.id)[-1] == reply.outcome.value


def test_a_late_reply_does_not_undo_what_a_person_has_decided(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        lose(club)
        club.open_campaign()
        club.sql("UPDATE tournament_fees.messages SET status = 'resent' WHERE id = :id", id=message.id)
        assert claim.record(message, SENT) == "lost"
    assert statuses(club)[0] == "resent"


def test_a_late_reply_to_one_attempt_does_not_settle_the_next(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        lose(club)
        club.open_campaign()
        club.sql("UPDATE tournament_fees.messages SET attempts = 2 WHERE id = :id", id=message.id)  # sent again since
        assert claim.record(message, SENT) == "lost"
    assert statuses(club)[0] == "uncertain"


def test_a_campaign_that_is_stopped_while_it_is_planned_stays_stopped(club: SmallClub) -> None:
    campaign = club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'stopped'")
    with pytest.raises(ConfigurationError, match="stopped for good"):
        plan_batches(club.pipeline.services, campaign, 500)
    assert club.one("SELECT state FROM tournament_fees.campaigns") == "stopped"


def test_no_message_is_given_out_while_the_queue_is_brought_up_to_date(club: SmallClub) -> None:
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool, club.pipeline.services.database.transaction() as connection:
        connection.exec_driver_sql("LOCK TABLE tournament_fees.message_orders IN EXCLUSIVE MODE")
        opening = pool.submit(club.open_campaign)  # comes as far as the orders of its messages
        until(lambda: club.one(blocked))
        with outbox(club).claim(ids(club)) as claim:
            assert claim.ids == []
        connection.rollback()
        opening.result()
    with outbox(club).claim(ids(club)) as claim:
        assert claim.ids == ids(club)


def test_a_message_keeps_its_id_over_all_attempts_and_no_two_share_one(club: SmallClub) -> None:
    before = [row.message_id for row in club.messages()]
    club.pipeline.run("Spring Cup")
    assert [row.message_id for row in club.messages()] == before
    assert len(set(before)) == 3
    assert sorted(str(mail["Message-ID"]) for mail in club.pipeline.inbox.messages()) == sorted(before)


def test_a_mail_server_that_repeats_the_address_does_not_bring_it_into_the_report(small_club: Pipeline) -> None:
    club = SmallClub.on(small_club)
    club.family("Ek", "Jo.Ek@example.com")
    campaign = club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    words = "5.1.1 <jo.ek@example.com>: Recipient address rejected: User unknown"
    (row,) = club.messages()
    with outbox(club).claim([row.id]) as claim:
        (message,) = claim.take(row.id)
        claim.record(message, Delivery(DeliveryOutcome.FAILED, Phase.RCPT, 550, words))
    report = markdown(summarize(club.pipeline.services, campaign, None))
    assert "User unknown" in report
    assert "jo.ek" not in report.casefold()
