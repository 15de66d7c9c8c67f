"""A batch's messages are read ahead, links that need nothing done recognised many at once, and what was said of one is
written down while the next is introduced: nothing else changes."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from math import inf

import pytest

from tasks.campaigns.options import Batch, Campaign
from tasks.delivery import read_ahead
from tasks.delivery.deliver_batch import deliver_batch
from tasks.links.kept_links import kept_links
from tasks.links.model import Charge, LinkKind, LinkOutcome
from tasks.links.seen_sessions import SeenSessions, Shown
from tasks.mail.letter import Letter
from tasks.mail.renderer import RenderedMail, Renderer
from tests.support.harness import Pipeline, links_in
from tests.support.link_club import LinkClub
from tests.support.small_club import CUP

NAMES = ("Ek", "Berg", "Chen", "Diaz")
CHARGE = Charge("Spring Cup: Hawks entry", "Max Ek")


@pytest.fixture
def club(small_club: Pipeline) -> LinkClub:
    """Four families whose links were made a moment ago, and whose campaign is being sent."""
    club = LinkClub.on(small_club)
    for name in NAMES:
        club.ensure_link(club.family(name, f"{name.lower()}@example.com")[0])
    club.begin_sending()
    club.pipeline.services.stripe_lists.sweep()
    club.pipeline.stand_in.clear_requests()
    return club


def orders(club: LinkClub) -> list[int]:
    return [row.id for row in club.sql("SELECT id FROM orders ORDER BY id")]


def look(club: LinkClub, kind: LinkKind = LinkKind.CHECKOUT_SESSION) -> set[int]:
    return set(kept_links(club.pipeline.services.keeper, dict.fromkeys(orders(club), CHARGE), kind, mailing=True))


def deliver(club: LinkClub, then: Callable[[int], None] = lambda _: None) -> list[str]:
    """Deliver all messages in one batch; `then` is called before each. Return whom the mail went to."""
    (row,) = club.sql("SELECT id, tournament_id FROM tournament_fees.campaigns")
    messages = [message.id for message in club.messages()]
    turns = iter(range(1, 9))

    def is_cancelled() -> bool:
        then(next(turns))
        return False

    campaign = Campaign(row.id, "fee_notice", row.tournament_id, CUP)
    deliver_batch(club.pipeline.services, campaign, Batch(1, tuple(messages)), None, is_cancelled)
    return sorted(str(mail["X-Envelope-To"]) for mail in club.pipeline.inbox.messages())


def test_links_that_a_list_has_just_shown_are_recognised_without_a_call_and_what_was_seen_is_used_once(
    club: LinkClub,
) -> None:
    assert look(club) == set(orders(club))
    assert club.pipeline.stand_in.requests() == []
    assert club.sql("SELECT FROM tournament_fees.sightings") == []
    assert club.sql("SELECT FROM tournament_fees.order_leases") == []
    assert look(club) == set()


@pytest.mark.parametrize("mailing", [True, False])
def test_it_says_of_them_what_a_whole_look_says(club: LinkClub, *, mailing: bool) -> None:
    charges = dict.fromkeys(orders(club), CHARGE)
    seen = kept_links(club.pipeline.services.keeper, charges, LinkKind.CHECKOUT_SESSION, mailing=mailing)
    assert len(seen) == 4
    for order, link in seen.items():
        whole = club.ensure_link(order)
        assert (whole.outcome, whole.url, whole.amount, whole.currency, whole.expires_at, whole.kind) == (
            (LinkOutcome.KEPT, link.url, link.amount, link.currency, link.expires_at, link.kind)
        )


DOUBTS = {
    "the price": "UPDATE orders SET amount = 4000 WHERE id = 1",
    "the currency": "UPDATE orders SET currency = 'cad' WHERE id = 1",
    "the session": "UPDATE orders SET stripe_checkout_session_id = 'cs_test_another' WHERE id = 1",
    "no session": "UPDATE orders SET stripe_checkout_session_id = NULL WHERE id = 1",
    "another URL": "UPDATE orders SET stripe_checkout_url = 'https://example.org' WHERE id = 1",
    "paid": "UPDATE orders SET status = 'paid' WHERE id = 1",
    "closed": "UPDATE tournament_fees.checkout_attempts SET state = 'expired' WHERE order_id = 1",
    "seen long ago": "UPDATE tournament_fees.sightings SET seen_at = now() - interval '61 seconds' WHERE order_id = 1",
    "seen before the clock was set back": "UPDATE tournament_fees.sightings SET seen_at = now() + interval '5 minutes' "
    "WHERE order_id = 1",
    "not seen": "DELETE FROM tournament_fees.sightings WHERE order_id = 1",
    "seen as paid": "UPDATE tournament_fees.sightings SET session = session || "
    '\'{"status": "complete", "payment_status": "paid"}\' WHERE order_id = 1',
    "another one seen": "INSERT INTO tournament_fees.sightings (order_id, session_id, seen_at, session) "
    "SELECT order_id, 'cs_test_x', seen_at, session || '{\"id\": \"cs_test_x\"}' FROM tournament_fees.sightings "
    "WHERE order_id = 1",
    "somebody at work on it": "INSERT INTO tournament_fees.order_leases VALUES "
    "(1, gen_random_uuid(), now() + interval '1 minute')",
    "a person has to look at it": "INSERT INTO tournament_fees.set_asides (order_id, reason, detail, set_aside_at) "
    "VALUES (1, 'paid_twice', '', now())",
}


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_whatever_is_not_sure_is_left_to_a_whole_look(club: LinkClub, doubt: str) -> None:
    club.sql(doubt)
    assert look(club) == set(orders(club)) - {1}
    assert {row.order_id for row in club.sql("SELECT order_id FROM tournament_fees.sightings")} <= {1}


def test_one_of_the_other_kind_or_that_dies_soon_is_left_to_a_whole_look(club: LinkClub) -> None:
    assert look(club, LinkKind.PAYMENT_LINK) == set()
    club.pipeline.later(timedelta(hours=13))
    assert look(club) == set()


def test_a_batch_of_links_that_are_right_is_delivered_without_a_call_to_stripe(club: LinkClub) -> None:
    assert len(deliver(club)) == 4
    assert club.pipeline.stand_in.requests() == []


def test_what_changes_after_it_was_read_ahead_goes_out_as_it_is_then(club: LinkClub) -> None:
    def change(turn: int) -> None:
        if turn == 2:  # one has gone, and three are read
            club.set_order(2, amount=4000)
            club.set_order(3, status="cancelled")
            club.sql("UPDATE parents SET email = 'new@example.com' WHERE id = 4")

    assert deliver(club, change) == ["berg@example.com", "diaz@example.com", "ek@example.com"]
    (mail,) = club.pipeline.inbox.to("berg@example.com")
    assert "$40.00" in str(mail.get_body(("plain",)))
    (link,) = links_in(mail)
    assert link == club.order_now(2).stripe_checkout_url


def test_what_was_read_a_while_ago_is_read_again(club: LinkClub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead.Ready, "is_old", property(lambda _: True))

    def change(turn: int) -> None:
        if turn == 2:
            club.sql("UPDATE players SET first_name = 'Zoe' WHERE id = 2")

    assert len(deliver(club, change)) == 4
    assert "Zoe" in str(club.pipeline.inbox.to("berg@example.com")[0])


def test_more_messages_than_are_read_at_once_are_each_sent_once(
    club: LinkClub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead, "READ_AHEAD", 3)
    assert deliver(club) == sorted(f"{name.lower()}@example.com" for name in NAMES)


def test_each_message_is_read_once(club: LinkClub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "READ_AHEAD", 2)
    monkeypatch.setattr(read_ahead, "READ_SECONDS", inf)
    read: list[int] = []

    class Counting(SeenSessions):
        """Keeps what was read."""

        def look_at(self, order_ids: Sequence[int], *, mailing: bool) -> dict[int, Shown]:
            read.extend(order_ids)
            return super().look_at(order_ids, mailing=mailing)

    services = club.pipeline.services
    counting = Counting(services.database, services.keeper.seen_sessions.reference)
    keeper = replace(services.keeper, seen_sessions=counting)
    assert len(deliver(replace(club, pipeline=replace(club.pipeline, services=replace(services, keeper=keeper))))) == 4
    assert read == orders(club)


def test_what_is_just_being_seen_again_is_not_waited_for_and_stays(club: LinkClub) -> None:
    with ThreadPoolExecutor(1) as other, club.pipeline.owner.transaction() as connection:
        connection.exec_driver_sql("UPDATE tournament_fees.sightings SET seen_at = seen_at WHERE order_id = 1")
        assert other.submit(look, club).result(30) == {1, 2, 3, 4}
    assert {row.order_id for row in club.sql("SELECT order_id FROM tournament_fees.sightings")} == {1}


class OddSightings(SeenSessions):
    """Meets a bug with whatever is read of order 3."""

    def look_at(self, order_ids: Sequence[int], *, mailing: bool) -> dict[int, Shown]:
        if 3 in order_ids:
            raise ZeroDivisionError
        return super().look_at(order_ids, mailing=mailing)


def test_one_that_cannot_be_read_costs_no_other_its_message(club: LinkClub) -> None:
    services = club.pipeline.services
    odd = OddSightings(services.database, services.keeper.seen_sessions.reference)
    club = replace(
        club,
        pipeline=replace(club.pipeline, services=replace(services, keeper=replace(services.keeper, seen_sessions=odd))),
    )
    with pytest.raises(ZeroDivisionError):
        deliver(club)
    assert [(row.id, row.status, row.reason) for row in club.messages() if row.status != "sent"] == [
        (3, "failed", "bug")
    ]
    assert len(club.pipeline.inbox.messages()) == 3


class Crowded(SeenSessions):
    """Notices when two read at once."""

    def __init__(self, seen_sessions: SeenSessions) -> None:
        super().__init__(seen_sessions.database, seen_sessions.reference)
        self.free, self.met = threading.Lock(), False

    def look_at(self, order_ids: Sequence[int], *, mailing: bool) -> dict[int, Shown]:
        alone = self.free.acquire(blocking=False)
        self.met = self.met or not alone
        threading.Event().wait(0.1)  # long enough for another to come by
        if alone:
            self.free.release()
        return super().look_at(order_ids, mailing=mailing)


def test_what_is_read_again_is_not_being_read_at_the_same_time(club: LinkClub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead.Ready, "is_old", property(lambda _: True))
    monkeypatch.setattr(read_ahead, "READ_AHEAD", 2)
    services = club.pipeline.services
    crowded = Crowded(services.keeper.seen_sessions)
    keeper = replace(services.keeper, seen_sessions=crowded)
    assert len(deliver(replace(club, pipeline=replace(club.pipeline, services=replace(services, keeper=keeper))))) == 4
    assert not crowded.met


def test_a_message_is_written_while_the_one_before_it_is_on_its_way(club: LinkClub) -> None:
    written = threading.Event()

    class Waiting(Renderer):
        """Tells when the second message is written."""

        def render(self, letter: Letter) -> RenderedMail:
            if letter.parent == "Jo Berg":
                written.set()
            return super().render(letter)

    def before(turn: int) -> None:
        if turn == 2:
            assert written.wait(20), "and its turn has not come yet"

    services = replace(club.pipeline.services, renderer=Waiting())
    assert len(deliver(replace(club, pipeline=replace(club.pipeline, services=services)), before)) == 4


WATCH = """
CREATE TABLE tournament_fees.on_the_wire (others bigint);
CREATE FUNCTION tournament_fees.watch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF new.outcome = 'sent' THEN
        {when_sent};
    ELSE
        INSERT INTO tournament_fees.on_the_wire
        SELECT count(*) FROM tournament_fees.messages WHERE status = 'sending' AND id <> new.message_id;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER watch BEFORE INSERT ON tournament_fees.delivery_attempts
FOR EACH ROW EXECUTE FUNCTION tournament_fees.watch();
"""


def test_the_next_body_waits_until_it_is_written_down_what_became_of_the_last(club: LinkClub) -> None:
    with club.pipeline.owner.transaction() as connection:
        connection.exec_driver_sql(WATCH.format(when_sent="PERFORM pg_sleep(0.3)"))
    assert len(deliver(club)) == 4
    assert [row.others for row in club.sql("SELECT others FROM tournament_fees.on_the_wire")] == [0, 0, 0, 0]
    assert {row.status for row in club.messages()} == {"sent"}


@pytest.mark.parametrize("message", [2, 4])
def test_one_that_cannot_be_written_down_costs_no_other_its_message_and_is_not_sent_again(
    club: LinkClub, message: int
) -> None:
    broken = f"IF new.message_id = {message} THEN RAISE EXCEPTION 'no'; END IF"
    with club.pipeline.owner.transaction() as connection:
        connection.exec_driver_sql(WATCH.format(when_sent=broken))
    with pytest.raises(RuntimeError, match="refused a statement"):
        deliver(club)
    assert [(row.id, row.status) for row in club.messages() if row.status != "sent"] == [(message, "sending")]
    assert len(deliver(club)) == 4, "nobody is mailed by the second call"
