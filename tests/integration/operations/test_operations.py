"""What people decide: uncertain messages settled by the evidence, a campaign stopped for good; who and when is kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tasks.campaigns.message import RENEWED_LINK
from tasks.core.errors import ConfigurationError
from tasks.delivery import queries as delivery_queries
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tasks.operations.chosen_messages import Choice, choose
from tasks.operations.options import SettleChoice, StopChoice
from tasks.operations.stop import stop_campaign
from tasks.operations.uncertain import Evidence, evidence_rows, mark_sent, show_uncertain
from tests.integration.delivery.test_outbox import LATER, SENT, attempts, drafted, ids, outbox, ready, statuses
from tests.support.harness import Pipeline, waiting_for_locks
from tests.support.small_club import CUP, SmallClub
from tests.support.waiting import until

LOST = Delivery(DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, None, "connection lost: <ek@example.com> no answer")


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    """A club with three families, whose campaign is being sent."""
    return SmallClub.sending(small_club, "Ek", "Berg", "Chen")


def lose_the_reply(club: SmallClub) -> int:
    with ready(club) as (claim, message, links):
        assert claim.enter_sending(message, drafted(message, links))
        assert claim.record(message, LOST) == "uncertain"
    return message.id


def show(club: SmallClub, **choice: Any) -> list[Evidence]:  # noqa: ANN401  as the form takes it
    return show_uncertain(club.pipeline.services, SettleChoice(**choice))


def mark(club: SmallClub, **choice: Any) -> int:  # noqa: ANN401  as the form takes it
    return mark_sent(club.pipeline.services, SettleChoice(action="mark as sent", **choice))


def stop(club: SmallClub, **campaign: str) -> None:
    stop_campaign(club.pipeline.services, CUP, StopChoice(**campaign), by="Ann Operator", why="Wrong prices")


def actions(club: SmallClub) -> list[tuple[Any, ...]]:
    rows = club.sql("SELECT action, message_id, by_whom, note FROM tournament_fees.operator_actions ORDER BY id")
    return [tuple(row) for row in rows]


# Uncertain


def test_the_evidence_is_shown_with_the_address_masked(club: SmallClub) -> None:
    message_id = lose_the_reply(club)
    (evidence,) = show(club, tournament=CUP)
    (row,) = [row for row in club.messages() if row.id == message_id]
    assert (evidence.id, evidence.tournament, evidence.campaign) == (message_id, CUP, "fee_notice 1 (sending)")
    assert (evidence.message_id, evidence.phase) == (row.message_id, "after the dot")
    assert evidence.reply == "connection lost: <e…@example.com> no answer"
    assert evidence.sent_at is not None
    assert evidence.run_id is not None
    assert "ek@" not in " ".join(evidence_rows([evidence])[0])
    assert show(club, message_ids=(message_id + 1,)) == []
    assert statuses(club)[0] == "uncertain", "to look changes nothing"


def test_a_lost_workers_message_is_shown_with_what_is_known(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
    club.sql("UPDATE tournament_fees.messages SET lease_expires_at = now() WHERE lease_token IS NOT NULL")
    club.pipeline.run(CUP)
    (evidence,) = show(club)
    assert (evidence.phase, evidence.reply) == (
        "body",
        "The process that was sending it ended before it could record the mail server's reply",
    )


def test_a_person_can_mark_it_as_sent_and_that_is_kept(club: SmallClub) -> None:
    message_id = lose_the_reply(club)
    assert mark(club, count=1, by=" Ann Operator ") == 1
    (first, *_) = club.messages()
    assert (first.status, first.reason) == ("sent", "confirmed_by_hand")
    assert actions(club) == [("mark_sent", message_id, "Ann Operator", None)]
    club.pipeline.run(CUP)
    assert club.pipeline.inbox.to("ek@example.com") == []
    for statement in (
        "UPDATE tournament_fees.operator_actions SET by_whom = 'Eve'",
        "DELETE FROM tournament_fees.operator_actions",
    ):
        with pytest.raises(RuntimeError, match="is append-only"):
            club.sql(statement)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"count": 2, "by": "Ann"}, "1 uncertain messages were found, not 2"),
        ({"count": 1}, "Your name .* was expected"),
        ({"by": "Ann"}, "How many uncertain messages"),
        ({"count": 1, "by": "Ann", "message_ids": (1_000_000,)}, "there is no message 1000000"),
        ({"count": 1, "by": "Ann", "tournament": "Nowhere"}, "no tournament 'Nowhere'"),
    ],
)
def test_a_count_that_does_not_match_or_a_choice_without_a_person_does_nothing(
    club: SmallClub, choice: dict[str, Any], said: str
) -> None:
    lose_the_reply(club)
    with pytest.raises(ConfigurationError, match=said):
        mark(club, **choice)
    assert statuses(club)[0] == "uncertain"
    assert actions(club) == []


def test_of_several_chosen_ones_one_wrong_id_keeps_all_as_they_are(club: SmallClub) -> None:
    message_id = lose_the_reply(club)
    with pytest.raises(ConfigurationError, match=f"message {ids(club)[1]} is queued, its campaign sending"):
        mark(club, count=2, by="Ann", message_ids=(message_id, ids(club)[1]))
    assert statuses(club)[0] == "uncertain"


def test_two_people_at_once_settle_a_message_once(club: SmallClub) -> None:
    lose_the_reply(club)

    def decide(name: str) -> int:
        try:
            return mark(club, count=1, by=name)
        except ConfigurationError:
            return 0

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(decide, ("Ann", "Bea"))) == 1
    assert len(actions(club)) == 1


def test_an_uncertain_message_of_a_stopped_campaign_can_be_marked_but_not_sent_again(club: SmallClub) -> None:
    message_id = lose_the_reply(club)
    stop(club)
    with pytest.raises(ConfigurationError, match="its campaign stopped"):
        club.pipeline.retry(uncertain=True, message_ids=(message_id,), count=1, by="Ann")
    assert mark(club, count=1, by="Ann") == 1


# Stopped for good


def test_a_stopped_campaign_sends_nothing_more_and_says_who_stopped_it(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        claim.record(message, SENT)
    stop(club)
    assert statuses(club) == ["sent", "cancelled", "cancelled"]
    assert {row.reason for row in club.messages()[1:]} == {"campaign_stopped"}
    assert actions(club) == [("stop", None, "Ann Operator", "Wrong prices")]
    with pytest.raises(ConfigurationError, match="stopped for good"):
        club.pipeline.run(CUP)
    assert club.pipeline.retry() == []
    assert statuses(club) == ["sent", "cancelled", "cancelled"]
    assert club.pipeline.inbox.messages() == []


def test_a_worker_in_the_middle_cannot_enter_sending_afterwards(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        stop(club)
        assert not claim.enter_sending(message, drafted(message, links))
        assert claim.take(message.id) == []
        assert claim.defer(message.id, "queued", "quota") == "lost"
        assert claim.record(message, LATER) == "lost"
    assert statuses(club) == ["cancelled"] * 3
    assert attempts(club, message.id) == []


@pytest.mark.parametrize(
    ("reply", "status"),
    [(SENT, "sent"), (LATER, "cancelled"), (LOST, "uncertain")],
)
def test_what_was_on_the_wire_when_it_was_stopped_comes_to_its_own_end(
    club: SmallClub, reply: Delivery, status: str
) -> None:
    with ready(club) as (claim, message, links):
        assert claim.enter_sending(message, drafted(message, links))
        stop(club)
        assert statuses(club) == ["sending", "cancelled", "cancelled"]
        assert claim.record(message, reply) == status
    assert statuses(club)[0] == status
    assert attempts(club, message.id) == ["sending", reply.outcome.value]


def test_a_reply_that_comes_while_it_is_being_stopped_leaves_nothing_queued(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        with ThreadPoolExecutor(1) as pool:
            with club.pipeline.services.database.transaction() as connection:
                connection.exec_driver_sql("UPDATE tournament_fees.campaigns SET state = 'stopped'")
                recording = pool.submit(claim.record, message, LATER)
                until(lambda: recording.done() or waiting_for_locks(club.pipeline))
            assert recording.result() == "cancelled"


def test_what_is_sent_again_while_its_campaign_is_being_stopped_does_not_stay_queued(club: SmallClub) -> None:
    message_id = lose_the_reply(club)
    choice = Choice(("uncertain",), None, (message_id,))
    with ThreadPoolExecutor(1) as pool:
        with club.pipeline.services.database.transaction() as connection:
            chosen = choose(connection, choice, 1, by="Ann Operator", now=club.pipeline.clock())
            stopping = pool.submit(stop, club)
            until(lambda: stopping.done() or waiting_for_locks(club.pipeline))
            chosen.send_again()
        stopping.result()
    assert "queued" not in statuses(club)


def test_what_takes_another_ones_place_while_its_campaign_is_being_stopped_is_stopped_too(club: SmallClub) -> None:
    club.sql("UPDATE tournament_fees.messages SET maybe_delivered = TRUE")
    with ready(club) as (claim, message, _links), ThreadPoolExecutor(1) as pool:
        with club.pipeline.services.database.transaction() as connection:
            delivery_queries.lock_sending_campaign(connection, campaign_id=claim.outbox.campaign_id)
            assert delivery_queries.renew_message(
                connection,
                message_id=message.id,
                token=claim.token,
                kind=RENEWED_LINK,
                mailbox=message.mailbox,
                address=message.address,
                domain="example.org",
                lease_seconds=300,
                now=club.pipeline.clock(),
            )
            stopping = pool.submit(stop, club)
            until(lambda: stopping.done() or waiting_for_locks(club.pipeline))
        stopping.result()
    assert statuses(club) == ["resent", "uncertain", "uncertain", "cancelled"]


def test_two_messages_of_one_mailbox_that_are_renewed_at_once_become_two_parts(club: SmallClub) -> None:
    club.sql("UPDATE tournament_fees.messages SET maybe_delivered = TRUE")
    with outbox(club).claim(ids(club)[:2]) as claim, ThreadPoolExecutor(2) as pool:
        taken = claim.take(*claim.ids)
        with club.pipeline.services.database.transaction() as connection:
            delivery_queries.lock_sending_campaign(connection, campaign_id=claim.outbox.campaign_id)
            renewals = [
                pool.submit(claim.renew, one, "jo@example.org", "jo@example.org", "example.org") for one in taken
            ]
            until(lambda: waiting_for_locks(club.pipeline) == len(renewals) or all(one.done() for one in renewals))
        assert len({renewal.result() for renewal in renewals} - {None}) == 2
    parts = club.sql("SELECT part FROM tournament_fees.messages WHERE mailbox = 'jo@example.org'")
    assert sorted(row.part for row in parts) == [1, 2]


def test_a_campaign_whose_last_message_is_marked_as_sent_is_done(club: SmallClub) -> None:
    lose_the_reply(club)
    club.sql("UPDATE tournament_fees.messages SET status = 'skipped', reason = 'excluded' WHERE status = 'queued'")
    mark(club, count=1, by="Ann Operator")
    assert club.one("SELECT state FROM tournament_fees.campaigns") == "done"


def test_a_lost_workers_message_of_a_stopped_campaign_becomes_uncertain(club: SmallClub) -> None:
    with ready(club) as (claim, message, links):
        claim.enter_sending(message, drafted(message, links))
        stop(club)
    club.sql("UPDATE tournament_fees.messages SET lease_expires_at = now() WHERE lease_token IS NOT NULL")
    club.pipeline.retry()
    assert statuses(club)[0] == "uncertain"


def test_an_unknown_campaign_names_the_known_ones(club: SmallClub) -> None:
    with pytest.raises(ConfigurationError, match=r"has no campaign reminder 1; it has fee_notice 1 \(sending\)"):
        stop(club, kind="reminder")
    assert statuses(club) == ["queued"] * 3


def test_a_campaign_is_stopped_once(club: SmallClub) -> None:
    stop(club)
    with pytest.raises(ConfigurationError, match="was stopped before"):
        stop(club)
    assert len(actions(club)) == 1


# States


def test_a_campaign_of_skips_only_is_done(small_club: Pipeline) -> None:
    club = SmallClub.on(small_club)
    club.family("Ek", None)
    club.pipeline.run(CUP)
    assert club.one("SELECT state FROM tournament_fees.campaigns") == "done"
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    assert club.pipeline.run(CUP).sent == 1


def test_a_supplement_that_was_skipped_as_paid_is_judged_once_though_a_sibling_owes(small_club: Pipeline) -> None:
    club = SmallClub.on(small_club)
    parent = club.parent()
    club.order(club.player(parent, "Max"))
    club.pipeline.run(CUP)
    late = club.order(club.player(parent, "Tove"))
    club.open_campaign()
    club.set_order(late, status="paid")
    club.pipeline.run(CUP)
    first, supplement = club.messages()
    assert (first.status, supplement.status, supplement.reason) == ("sent", "skipped", "paid")
    before = supplement.changed_at
    club.pipeline.run(CUP)
    assert club.messages()[1].changed_at == before, "its own order is paid, so it stays as it is"
    club.set_order(late, status="pending")
    assert club.pipeline.run(CUP).sent == 1


def test_a_worker_takes_up_what_a_lost_one_had_claimed(club: SmallClub) -> None:
    with outbox(club).claim(ids(club)):
        with outbox(club).claim(ids(club)) as early:
            assert early.ids == []
        club.sql("UPDATE tournament_fees.messages SET lease_expires_at = now() - interval '1 second'")
        with outbox(club).claim(ids(club)) as late:
            assert late.ids == ids(club)
    assert statuses(club) == ["queued"] * 3


def test_nobody_waits_longer_than_the_lease_of_a_lost_worker(club: SmallClub) -> None:
    with outbox(club).claim(ids(club)):
        left = club.one("SELECT max(lease_expires_at) - clock_timestamp() FROM tournament_fees.messages")
        assert left <= timedelta(minutes=5)
