"""The tournament of the field record, case by case: who was mailed what, who was not and why, what is known after."""

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from deployments.local.demo_club import STORIES, Story
from tests.support.harness import ToldClub, links_in, open_session

SISTERS = ["Alma Delgado", "Bianca Delgado", "Carla Delgado"]


def players(*stories: Story) -> list[str]:
    return [player for player, story in STORIES.items() if story in stories]


def amounts_in(message: EmailMessage) -> list[str]:
    text = message.get_body(("plain",))
    assert text is not None
    return re.findall(r"\$\d+\.\d\d", text.get_content())


def test_23_messages_go_out_to_23_mailboxes_and_every_recipient_has_a_reason(told_club: ToldClub) -> None:
    club = told_club.pipeline
    summary = told_club.summary
    assert summary.messages == {
        ("sent", ""): 23,
        ("skipped", "paid"): 6,
        ("skipped", "processing"): 1,
        ("skipped", "no_address"): 1,
        ("skipped", "no_order"): 1,
    }
    assert summary.links == {
        "kept": 1,
        "backfilled": 1,
        "made": 5,
        "renewed": 19,
        "found paid": 2,
        "already paid": 3,
        "payment processing": 1,
        "closed": 1,
        "not looked at": 1,
    }
    recipients = [message["X-Envelope-To"] for message in club.inbox.messages()]
    assert len(recipients) == len(set(recipients)) == 23


def test_every_mailed_link_is_open_at_the_orders_price_with_hours_left(told_club: ToldClub) -> None:
    club = told_club.pipeline
    sessions = {session["url"]: session for session in club.stand_in.sessions() if session["status"] == "open"}
    mailed = [link for message in club.inbox.messages() for link in links_in(message)]
    assert len(mailed) == len(set(mailed)) == 26
    assert set(mailed) == set(sessions)
    for row in club.sql("SELECT * FROM orders WHERE stripe_checkout_url = ANY(:urls)", urls=mailed):
        session = sessions[row.stripe_checkout_url]
        assert (session["id"], session["amount_total"]) == (row.stripe_checkout_session_id, row.amount)
        assert session["expires_at"] - datetime.now(UTC).timestamp() > 12 * 3600


@pytest.mark.parametrize("player", players(Story.EXPIRED, Story.EXPIRED_URL_NEVER_STORED))
def test_an_expired_session_is_renewed_and_mailed(told_club: ToldClub, player: str) -> None:
    club = told_club.pipeline
    before = told_club.before[player]
    assert bool(before.stripe_checkout_url) == (STORIES[player] is Story.EXPIRED)
    after, session = club.order_of(player), open_session(club, player)
    (message,) = club.inbox.to(club.message_to(player.split()[1]).address)
    assert links_in(message) == [session["url"]] == [after.stripe_checkout_url]
    assert after.stripe_checkout_session_id == session["id"] != before.stripe_checkout_session_id
    assert amounts_in(message)[0] == f"${after.amount / 100:.2f}"
    assert player.split(maxsplit=1)[0] in str(message["Subject"])


@pytest.mark.parametrize("player", players(Story.PAID))
def test_who_has_paid_is_not_mailed(told_club: ToldClub, player: str) -> None:
    club = told_club.pipeline
    message = club.message_to(player.split()[1])
    assert (message.status, message.reason) == ("skipped", "paid")
    assert club.inbox.to(message.address) == []
    assert club.order_of(player).status == "paid"


@pytest.mark.parametrize("player", players(Story.PAID_WEBHOOK_LOST))
def test_who_has_paid_while_the_webhook_was_lost_is_recorded_as_paid_and_not_mailed(
    told_club: ToldClub, player: str
) -> None:
    club = told_club.pipeline
    assert told_club.before[player].status == "pending"
    order, message = club.order_of(player), club.message_to(player.split()[1])
    assert (order.status, order.payment_method) == ("paid", "stripe")
    assert order.stripe_payment_intent_id == club.sessions_of(player)[0]["payment_intent"]
    assert order.paid_at is not None
    assert (message.status, message.reason) == ("skipped", "paid")
    assert club.inbox.to(message.address) == []


def test_three_sisters_come_in_one_message_with_a_link_and_a_price_each_and_the_sum(told_club: ToldClub) -> None:
    club = told_club.pipeline
    (message,) = club.inbox.to("rosa.delgado@example.com")
    assert links_in(message) == [open_session(club, sister)["url"] for sister in SISTERS]
    assert amounts_in(message) == ["$55.00", "$65.00", "$55.00", "$175.00"]


def test_a_parent_stored_twice_at_gmail_gets_one_message_for_both_children(told_club: ToldClub) -> None:
    club = told_club.pipeline
    (message,) = [message for message in club.inbox.messages() if "gmail.com" in message["X-Envelope-To"]]
    assert message["X-Envelope-To"] == "Jo.Ek@gmail.com"
    assert links_in(message) == [open_session(club, player)["url"] for player in ("Max Ek", "Tove Ek")]


def test_a_parent_without_an_address_is_skipped_by_name(told_club: ToldClub) -> None:
    club = told_club.pipeline
    message = club.message_to("Xu")
    assert (message.status, message.reason) == ("skipped", "no_address")
    assert club.sessions_of("Hugo Xu") == []


def test_a_committed_player_without_an_order_is_skipped_by_name(told_club: ToldClub) -> None:
    club = told_club.pipeline
    summary = told_club.summary
    message = club.message_to("Yates")
    assert (message.status, message.reason) == ("skipped", "no_order")
    assert summary.campaign.players_without_order == (30,)
    assert club.inbox.to("ivan.yates@example.com") == []


def test_an_invited_player_who_did_not_commit_is_no_recipient(told_club: ToldClub) -> None:
    club = told_club.pipeline
    assert club.sql("SELECT * FROM tournament_fees.messages WHERE family = 'zeller'") == []
    assert club.inbox.to("jana.zeller@example.com") == []


def test_an_open_session_of_the_right_amount_with_20_hours_left_is_kept_and_mailed(told_club: ToldClub) -> None:
    club = told_club.pipeline
    before = told_club.before["Kira Arden"]
    (message,) = club.inbox.to("kofi.arden@example.org")
    assert links_in(message) == [before.stripe_checkout_url]
    assert club.order_of("Kira Arden") == before
    assert len(club.sessions_of("Kira Arden")) == 1


def test_an_open_session_of_the_old_price_is_expired_and_the_new_price_is_mailed(told_club: ToldClub) -> None:
    club = told_club.pipeline
    before = told_club.before["Leo Bishop"]
    new, replaced = club.sessions_of("Leo Bishop")
    (message,) = club.inbox.to("lena.bishop@example.com")
    assert (replaced["id"], replaced["amount_total"]) == (before.stripe_checkout_session_id, 7500)
    assert replaced["status"] == "expired"
    assert (new["status"], new["amount_total"]) == ("open", club.order_of("Leo Bishop").amount)
    assert links_in(message) == [new["url"]]
    assert amounts_in(message)[0] == f"${new['amount_total'] / 100:.2f}"


def test_a_slow_payment_that_has_not_settled_is_left_alone_and_said(told_club: ToldClub) -> None:
    club = told_club.pipeline
    before = told_club.before["Mia Conti"]
    message = club.message_to("Conti")
    assert (message.status, message.reason) == ("skipped", "processing")
    assert club.order_of("Mia Conti") == before
    assert len(club.sessions_of("Mia Conti")) == 1
    assert club.inbox.to("marco.conti@example.com") == []


def test_an_order_paid_in_cash_has_its_open_session_closed_and_is_not_mailed(told_club: ToldClub) -> None:
    club = told_club.pipeline
    (session,) = club.sessions_of("Nils Dunne")
    message, order = club.message_to("Dunne"), club.order_of("Nils Dunne")
    assert session["status"] == "expired"
    assert (order.status, order.payment_method) == ("paid", "cash")
    assert (message.status, message.reason) == ("skipped", "paid")
    assert club.inbox.to("nadia.dunne@example.org") == []


def test_an_open_session_whose_url_was_never_stored_is_backfilled_and_mailed(told_club: ToldClub) -> None:
    club = told_club.pipeline
    before = told_club.before["Orla Engel"]
    assert before.stripe_checkout_url is None
    (session,) = club.sessions_of("Orla Engel")
    (message,) = club.inbox.to("oscar.engel@example.com")
    assert links_in(message) == [session["url"]] == [club.order_of("Orla Engel").stripe_checkout_url]
    assert session["id"] == before.stripe_checkout_session_id


def test_the_ledger_tells_every_deliverys_story(told_club: ToldClub) -> None:
    club = told_club.pipeline
    rows = club.sql(
        "SELECT array_agg(a.outcome ORDER BY a.id) AS outcomes, min(a.smtp_code) AS code, m.links_die_at, m.attempts "
        "FROM tournament_fees.messages m JOIN tournament_fees.delivery_attempts a ON a.message_id = m.id GROUP BY m.id"
    )
    assert len(rows) == 23
    for row in rows:
        assert (row.outcomes, row.code, row.attempts) == (["sending", "sent"], 250, 1)
        assert row.links_die_at > datetime.now(UTC) + timedelta(hours=12)


def test_mails_carry_the_ledgers_message_ids_and_the_clubs_headers(told_club: ToldClub) -> None:
    club = told_club.pipeline
    sent = {row.message_id for row in club.sql("SELECT message_id FROM tournament_fees.messages WHERE status = 'sent'")}
    messages = club.inbox.messages()
    assert {message["Message-ID"] for message in messages} == sent
    replies = {message["Reply-To"] for message in messages}
    assert {reply.partition("<")[2] or reply for reply in replies} == {
        *("treasurer@example.org", "robin@red-rock.example.org>", "noor@desert-rose.example.org>"),
    }, "the brand's own, else the club's"
    assert {message["Auto-Submitted"] for message in messages} == {"auto-generated"}
