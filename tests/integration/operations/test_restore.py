"""A restore from a backup in the middle of a campaign: what deployments/README.md says to do mails nobody twice."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import Batch, CampaignOptions
from tasks.core.errors import ConfigurationError
from tasks.delivery.deliver_batch import deliver_batch
from tasks.operations.options import SettleChoice, StopChoice
from tasks.operations.order_status import OrderStatus
from tasks.operations.restore import Held, Settled, held_words, hold_after_restore, settle_after_restore
from tasks.operations.status import campaign_status
from tasks.operations.status_report import counts
from tasks.operations.stop import stop_campaign
from tasks.operations.uncertain import mark_sent, show_uncertain
from tests.integration.delivery.test_outbox import drafted, ready
from tests.integration.operations.test_cli import verb
from tests.support.backup import dump, restore
from tests.support.harness import Pipeline
from tests.support.reminding import reminded
from tests.support.small_club import CUP, SmallClub

FAMILIES = ("Ek", "Berg", "Chen", "Diaz", "Eto", "Fry", "Gil", "Hall")
HALF = 4


class Disaster:
    """A campaign of eight messages: four are sent, a backup is made, three more are sent, and the database is lost."""

    def __init__(self, club: SmallClub, folder: Path) -> None:
        self.club = club
        self.pipeline = club.pipeline
        self.file = folder / "club.dump"
        self.orders = [club.family(name, f"{name.lower()}@example.com")[0] for name in FAMILIES]
        self.campaign = club.open_campaign()
        (batch,) = plan_batches(self.pipeline.services, self.campaign, 100)
        self.message_ids = batch.message_ids
        self.deliver(self.message_ids[:HALF])
        self.backup_at = self.back_up()

    def back_up(self) -> datetime:
        dump(self.pipeline, self.file)
        return self.pipeline.clock()

    def deliver(self, message_ids: Sequence[int]) -> None:
        deliver_batch(self.pipeline.services, self.campaign, Batch(1, tuple(message_ids)), uuid4())

    def restore(self) -> None:
        restore(self.pipeline, self.file)

    def hold(self) -> Held:
        return hold_after_restore(self.pipeline.services, self.backup_at, by="Ann Operator")

    def settle(self, *logs: bytes, rest_was_not_sent: bool = False, count: int = 0) -> Settled:
        return settle_after_restore(
            self.pipeline.services, logs, by="Ann Operator", rest_was_not_sent=rest_was_not_sent, count=count
        )

    def mail_log(self) -> bytes:
        """What a Postfix would have written down about what it has taken."""
        lines = []
        for number, message in enumerate(self.pipeline.inbox.messages()):
            lines.append(f"Mar  1 10:00:00 mail postfix/cleanup[7]: 4Z{number}: message-id={message['Message-ID']}")
            lines.append(f"Mar  1 10:00:00 mail postfix/qmgr[8]: 4Z{number}: from=<a@example.org> (queue active)")
        return "\n".join(lines).encode()

    def mailed(self) -> Counter[tuple[str, str]]:
        """How often each parent got which email."""
        return Counter((str(m["X-Envelope-To"]), str(m["Subject"])) for m in self.pipeline.inbox.messages())


@pytest.fixture
def disaster(small_club: Pipeline, tmp_path: Path) -> Disaster:
    return Disaster(SmallClub.on(small_club), tmp_path)


def correct(disaster: Disaster) -> int:
    """Run a campaign of another kind from end to end, and say how many it sent."""
    return disaster.pipeline.run(CUP, options=CampaignOptions(kind="correction", sequence=1)).sent


def test_nobody_is_mailed_twice_nobody_is_left_out_and_no_order_can_be_paid_twice(disaster: Disaster) -> None:
    club, pipeline = disaster.club, disaster.pipeline
    disaster.deliver(disaster.message_ids[HALF:7])
    club.ensure_link(disaster.orders[7])  # its link was made, and then the machine was lost
    club.family("Ivers", "ivers@example.com")  # an order that the backup does not have
    late = pipeline.run(CUP)  # sends the last message and the new family's
    assert late.sent == 2
    assert correct(disaster) == 9, "a whole campaign that the backup does not have"
    pipeline.stand_in.pay(club.payable(disaster.orders[5])[0])
    sessions = len(pipeline.stand_in.sessions())
    mailed = disaster.mailed()
    assert set(mailed.values()) == {1}

    disaster.restore()
    assert Counter(row.status for row in club.messages()) == {"sent": HALF, "queued": HALF}
    for run in (lambda: pipeline.run(CUP), lambda: correct(disaster)):
        with pytest.raises(ConfigurationError, match="were restored or moved here"):
            run()
    held = disaster.hold()
    assert (held.messages, held.campaigns, len(held.forgotten_orders)) == (HALF, 1, 1)
    with pytest.raises(ConfigurationError, match="restored from a backup, and what was sent since is not settled"):
        pipeline.run(CUP)
    assert pipeline.retry() == []
    settled = disaster.settle(disaster.mail_log(), rest_was_not_sent=True)
    assert (settled.sent, settled.put_back, settled.left) == (HALF, 0, 0)

    assert (pipeline.retry(), pipeline.run(CUP).sent, correct(disaster)) == ([], 0, 0)
    assert disaster.mailed() == mailed
    assert {row.status for row in club.messages()} == {"sent"}
    assert club.order_now(disaster.orders[5]).status == "paid"
    assert len(pipeline.stand_in.sessions()) == sessions


def test_what_the_log_does_not_have_is_sent_with_the_link_that_stripe_has(disaster: Disaster) -> None:
    club, pipeline = disaster.club, disaster.pipeline
    disaster.deliver(disaster.message_ids[HALF:6])
    for order in disaster.orders[6:]:
        club.ensure_link(order)
    sessions = [session["id"] for session in pipeline.stand_in.sessions()]
    disaster.restore()
    assert disaster.hold().forgotten_sessions == 4
    with pytest.raises(ConfigurationError, match="2 messages are held and not in the log, not 3"):
        disaster.settle(disaster.mail_log(), rest_was_not_sent=True, count=3)
    assert club.one("SELECT count(*) FROM tournament_fees.mail_log") == 0, "nothing was done"
    settled = disaster.settle(disaster.mail_log(), rest_was_not_sent=True, count=2)
    assert (settled.sent, settled.put_back, settled.left) == (2, 2, 0)
    (summary,) = pipeline.retry()
    assert summary.sent == 2
    assert sorted(disaster.mailed().values()) == [1] * 8
    assert [session["id"] for session in pipeline.stand_in.sessions()] == sessions, "no second session for an order"
    assert all(len(club.payable(order)) == 1 for order in disaster.orders)
    assert {row.action for row in club.sql("SELECT action FROM tournament_fees.operator_actions")} == {
        "hold",
        "mark_sent",
        "put_back",
    }


def test_a_failed_message_that_was_sent_again_after_the_backup_is_not_sent_once_more(disaster: Disaster) -> None:
    failed = "UPDATE tournament_fees.messages SET status = 'failed', reason = 'gave_up' WHERE id = :id"
    disaster.club.sql(failed, id=disaster.message_ids[HALF])
    disaster.back_up()
    disaster.pipeline.retry(failed=True, by="Ann")
    disaster.restore()
    disaster.hold()
    disaster.settle(disaster.mail_log())
    with pytest.raises(ConfigurationError, match="no failed message"):
        disaster.pipeline.retry(failed=True, by="Ann")
    assert set(disaster.mailed().values()) == {1}


def test_nothing_enters_sending_while_a_restore_is_open_nor_what_the_log_has(small_club: Pipeline) -> None:
    club = SmallClub.sending(small_club, "Ek")
    with ready(club) as (claim, message, links):
        club.sql("INSERT INTO tournament_fees.restores (backup_at, held_at, by_whom) VALUES (now(), now(), 'Ann')")
        assert not claim.enter_sending(message, drafted(message, links))
        club.sql("UPDATE tournament_fees.restores SET settled_at = now(), settled_by = 'Ann'")
        club.sql("INSERT INTO tournament_fees.mail_log VALUES (:id, now())", id=message.message_id)
        assert not claim.enter_sending(message, drafted(message, links))
        club.sql("DELETE FROM tournament_fees.mail_log")
        assert claim.enter_sending(message, drafted(message, links))


def test_without_a_log_what_was_held_stays_uncertain_and_the_evidence_is_shown(disaster: Disaster) -> None:
    disaster.deliver(disaster.message_ids[HALF:])
    disaster.restore()
    disaster.hold()
    assert disaster.settle().left == HALF
    evidence = show_uncertain(disaster.pipeline.services, SettleChoice())
    assert {one.message_id for one in evidence} <= {str(m["Message-ID"]) for m in disaster.pipeline.inbox.messages()}
    assert all(one.sent_at is None and one.reply.startswith("It may have gone out between") for one in evidence)
    assert disaster.pipeline.run(CUP).sent == 0
    marked = SettleChoice(action="mark as sent", count=HALF, by="Ann")
    assert mark_sent(disaster.pipeline.services, marked) == HALF
    assert disaster.pipeline.run(CUP).sent == 0
    assert counts(campaign_status(disaster.pipeline.services, CUP)) == {OrderStatus.LIVE: 8}


def test_what_a_person_sends_again_goes_out_as_a_new_link(disaster: Disaster) -> None:
    disaster.restore()
    disaster.hold()
    disaster.settle()
    (summary,) = disaster.pipeline.retry(uncertain=True, count=HALF, by="Ann")
    assert summary.sent == HALF
    subjects = [subject for _, subject in disaster.mailed()]
    assert sum(subject.startswith("New payment link") for subject in subjects) == HALF


def test_a_campaign_that_had_not_begun_is_begun_by_a_run_alone(disaster: Disaster) -> None:
    options = CampaignOptions(kind="correction", sequence=1)
    open_campaign(disaster.pipeline.services, CUP, "correction", options)
    disaster.backup_at = disaster.back_up()
    disaster.restore()
    assert disaster.hold().messages == HALF + 8
    settled = disaster.settle(disaster.mail_log(), rest_was_not_sent=True, count=HALF + 8)
    assert settled.put_back == HALF + 8
    assert [summary.sent for summary in disaster.pipeline.retry()] == [HALF], "of the campaign that was being sent"
    with pytest.raises(ConfigurationError, match="more than the 7 allowed"):
        disaster.pipeline.run(CUP, options=options.model_copy(update={"at_most": 7}))
    assert disaster.pipeline.retry() == []
    assert correct(disaster) == 8
    assert set(disaster.mailed().values()) == {1}


def test_of_two_backups_that_were_named_the_earlier_one_counts(disaster: Disaster) -> None:
    disaster.club.family("Ivers", "ivers@example.com")  # an order that the backup does not have
    disaster.pipeline.run(CUP)
    disaster.restore()
    earlier = disaster.hold()
    assert len(earlier.forgotten_orders) == 1
    disaster.pipeline.later(timedelta(hours=1))
    later = hold_after_restore(disaster.pipeline.services, disaster.pipeline.clock(), by="Ann Operator")
    assert (later.backup_at, later.forgotten_orders) == (earlier.backup_at, earlier.forgotten_orders)


def test_a_message_on_the_wire_when_the_backup_was_made_is_uncertain_as_ever(disaster: Disaster) -> None:
    disaster.club.sql(
        "UPDATE tournament_fees.messages SET status = 'sending', attempts = 1, lease_token = gen_random_uuid(),"
        " lease_expires_at = now() + interval '1 hour' WHERE id = :id",
        id=disaster.message_ids[-1],
    )
    disaster.back_up()
    disaster.restore()
    assert disaster.hold().messages == HALF
    reasons = {row.id: row.reason for row in disaster.club.messages()}
    assert reasons[disaster.message_ids[-1]] == "worker_lost"
    assert disaster.settle(rest_was_not_sent=True, count=3).put_back == 3


def remind(disaster: Disaster) -> int:
    """Remind whom there is to remind, at any time of the day, and say how many were."""
    return reminded(SmallClub(disaster.pipeline.under(reminder_quiet_hours="off")), after_days=1)


def test_nobody_is_reminded_twice_within_a_gap_and_all_are_after_it(disaster: Disaster) -> None:
    disaster.deliver(disaster.message_ids[HALF:])
    disaster.pipeline.later(timedelta(days=3))
    disaster.back_up()
    assert remind(disaster) == 8
    disaster.restore()
    disaster.pipeline.later(timedelta(days=1))  # another day's reminders are another campaign
    disaster.hold()
    disaster.settle(disaster.mail_log())
    assert remind(disaster) == 0
    disaster.pipeline.later(timedelta(hours=49))
    assert remind(disaster) == 8


def test_what_the_log_says_was_sent_is_reminded_of_in_time(disaster: Disaster) -> None:
    disaster.deliver(disaster.message_ids[HALF:])
    disaster.restore()
    disaster.hold()
    disaster.settle(disaster.mail_log())
    disaster.pipeline.later(timedelta(hours=49))
    assert remind(disaster) == 8


def test_a_campaign_that_was_stopped_again_sends_nothing_of_what_is_put_back(disaster: Disaster) -> None:
    disaster.restore()
    disaster.hold()
    stop_campaign(disaster.pipeline.services, CUP, StopChoice(), by="Ann", why="wrong prices")
    disaster.settle(rest_was_not_sent=True, count=HALF)
    assert Counter(row.status for row in disaster.club.messages()) == {"sent": HALF, "cancelled": HALF}


def test_a_campaign_that_waited_for_its_approval_is_held_too(small_club: Pipeline) -> None:
    club = SmallClub.on(small_club)
    club.family()
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'awaiting_approval', requires_approval = TRUE")
    assert hold_after_restore(club.pipeline.services, club.pipeline.clock(), by="Ann").messages == 1
    settle_after_restore(club.pipeline.services, (), by="Ann", rest_was_not_sent=True, count=1)
    club.pipeline.retry()
    (message,) = club.messages()
    assert (message.status, message.reason) == ("queued", "awaiting_approval"), "what it needs it needs still"
    assert club.pipeline.inbox.messages() == []


@pytest.mark.only_long
def test_the_operator_goes_through_it_in_a_terminal(disaster: Disaster, tmp_path: Path) -> None:
    disaster.deliver(disaster.message_ids[HALF:])
    disaster.club.family("Ivers", "ivers@example.com")
    disaster.pipeline.run(CUP)
    disaster.restore()
    backup_at = f"{disaster.backup_at:%Y-%m-%dT%H:%M}"
    code, said = verb(disaster.club, "hold-after-restore", "--backup-at", backup_at, "--by", "A")
    assert code == 0
    assert said.startswith(f"{HALF} messages of 1 campaigns are held")
    assert "(ids 9): make them again under these ids" in said
    assert "setval(pg_get_serial_sequence('orders', 'id'), 9)" in said
    assert "example.com" not in said
    assert verb(disaster.club, "settle-after-restore", "--by", "A") == (
        2,
        "Error: Give the mail server's log, or say --no-log or --rest-was-not-sent",
    )
    log = tmp_path / "mail.log"
    log.write_text("nothing of ours", encoding="utf-8")
    code, said = verb(disaster.club, "settle-after-restore", str(log), "--by", "A")
    assert (code, said.partition(":")[0]) == (2, "Error")
    log.write_bytes(disaster.mail_log())
    assert verb(disaster.club, "settle-after-restore", str(log), "--by", "A", "--rest-was-not-sent") == (
        0,
        "9 of our messages are in the log; 4 called sent, 0 queued again",
    )


@pytest.mark.parametrize(
    ("ahead", "by", "said"),
    [(timedelta(hours=1), "Ann", "that is to come"), (timedelta(), " ", "Your name is missing")],
)
def test_a_time_to_come_and_a_nameless_person_hold_nothing(
    small_club: Pipeline, ahead: timedelta, by: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        hold_after_restore(small_club.services, small_club.clock() + ahead, by=by)


def test_there_is_nothing_to_settle_where_nothing_was_restored(small_club: Pipeline) -> None:
    SmallClub.on(small_club)
    with pytest.raises(ConfigurationError, match="no restore to settle"):
        settle_after_restore(small_club.services, (), by="Ann", rest_was_not_sent=False, count=0)


def test_what_is_held_is_told_once_more_where_it_is_held_again(disaster: Disaster) -> None:
    disaster.restore()
    first = disaster.hold()
    again = disaster.hold()
    assert (first.messages, again.messages) == (HALF, 0)
    assert "0 messages of 0 campaigns are held" in held_words(again)[0]
    assert disaster.club.one("SELECT count(*) FROM tournament_fees.restores") == 1


def test_an_address_that_was_corrected_after_the_backup_and_is_corrected_again_is_not_mailed_again(
    disaster: Disaster,
) -> None:
    club, pipeline = disaster.club, disaster.pipeline
    club.sql("UPDATE parents SET email = NULL WHERE last_name = 'Hall'")
    club.sql("UPDATE parents SET email = 'old@example.com' WHERE last_name = 'Gil'")
    pipeline.run(CUP)
    club.sql("UPDATE tournament_fees.messages SET status = 'failed', reason = 'gave_up' WHERE family = 'gil'")
    disaster.backup_at = disaster.back_up()
    corrections = (
        "UPDATE parents SET email = lower(last_name) || '@example.com' WHERE last_name = 'Hall'",
        "UPDATE parents SET email = 'gil.new@example.com' WHERE last_name = 'Gil'",
    )
    for statement in corrections:
        club.sql(statement)
    pipeline.run(CUP)
    pipeline.retry(failed=True, by="Ann")
    mailed = disaster.mailed()
    assert {address for address, _ in mailed} >= {"hall@example.com", "gil.new@example.com"}

    disaster.restore()
    disaster.hold()
    disaster.settle(disaster.mail_log(), rest_was_not_sent=True)
    for statement in corrections:
        club.sql(statement)
    pipeline.run(CUP)
    pipeline.retry()
    assert disaster.mailed() == mailed


def test_families_that_share_a_mailbox_are_told_apart_in_whatever_order_they_come_back(disaster: Disaster) -> None:
    club, pipeline = disaster.club, disaster.pipeline
    shared = "shared@example.com"
    ((first,), (second,)) = (club.family("Ames", shared), club.family("Zorn", shared))
    commitment = (
        "UPDATE player_teams SET commitment = :how WHERE player_id = (SELECT player_id FROM orders WHERE id = :id)"
    )
    club.sql(commitment, how="invited", id=first)
    disaster.backup_at = disaster.back_up()
    pipeline.run(CUP)
    mailed = disaster.mailed()
    assert mailed[shared, "Tournament fee for Child0 Zorn: Spring Cup"] == 1

    disaster.restore()
    disaster.hold()
    disaster.settle(disaster.mail_log(), rest_was_not_sent=True)
    club.sql(commitment, how="committed", id=first)
    pipeline.run(CUP)
    again = disaster.mailed()
    assert again == mailed + Counter({(shared, "Tournament fee for Child0 Ames: Spring Cup"): 1})
    assert second in {order for row in club.messages() for order in row.orders if row.status == "sent"}
