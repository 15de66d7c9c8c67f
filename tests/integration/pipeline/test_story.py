"""The tournament of the field record, case by case: who was mailed what, who was not and why, what is known after."""

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from deployments.local.demo_club import STORIES, Story
from tests.integration.pipeline.harness import Pipeline

EXPIRED_WITH_URL = [
    "Amy Abbott", "Bruno Barrera", "Clara Castell", "Dylan Draper", "Elsa Ekberg", "Felix Fonseca",
    "Grace Garrity", "Holly Hobbs", "Imran Iqbal", "Julia Juarez", "Queenie Quist", "Rory Rourke",
]  # fmt: skip
EXPIRED_WITHOUT_URL = [player for player, story in STORIES.items() if story is Story.EXPIRED_URL_NEVER_STORED]
EXPIRED = [*EXPIRED_WITH_URL, *EXPIRED_WITHOUT_URL]
PAID = [player for player, story in STORIES.items() if story is Story.PAID]
WEBHOOK_LOST = [player for player, story in STORIES.items() if story is Story.PAID_WEBHOOK_LOST]
SISTERS = ["Alma Delgado", "Bianca Delgado", "Carla Delgado"]


def links_in(message: EmailMessage) -> list[str]:
    """The payment links of the text part; the HTML part must have the same."""
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    links = re.findall(r"^\s*(http\S+/c/pay/\S+)", text.get_content(), re.MULTILINE)
    assert set(re.findall(r'href="(http[^"]+/c/pay/[^"]+)"', html.get_content())) == set(links)
    return links


def amounts_in(message: EmailMessage) -> list[str]:
    text = message.get_body(("plain",))
    assert text is not None
    return re.findall(r"\$\d+\.\d\d", text.get_content())


def open_session(club: Pipeline, player: str) -> dict[str, object]:
    """The one session through which a player's order can be paid."""
    (session,) = [session for session in club.sessions_of(player) if session["status"] == "open"]
    return session


def test_23_messages_go_out_to_23_mailboxes_and_every_recipient_has_a_reason(demo_club: Pipeline) -> None:
    summary = demo_club.run()
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
    recipients = [message["X-Envelope-To"] for message in demo_club.inbox.messages()]
    assert len(recipients) == len(set(recipients)) == 23


def test_every_mailed_link_is_open_at_the_orders_price_with_hours_left(demo_club: Pipeline) -> None:
    demo_club.run()
    sessions = {session["url"]: session for session in demo_club.stand_in.sessions() if session["status"] == "open"}
    mailed = [link for message in demo_club.inbox.messages() for link in links_in(message)]
    assert len(mailed) == len(set(mailed)) == 26
    assert set(mailed) == set(sessions)
    for row in demo_club.sql("SELECT * FROM orders WHERE stripe_checkout_url = ANY(:urls)", urls=mailed):
        session = sessions[row.stripe_checkout_url]
        assert (session["id"], session["amount_total"]) == (row.stripe_checkout_session_id, row.amount)
        assert session["expires_at"] - datetime.now(UTC).timestamp() > 12 * 3600


def test_no_order_can_be_paid_twice(demo_club: Pipeline) -> None:
    demo_club.run()
    demo_club.run(sequence="2")
    payable = [
        s["client_reference_id"].removeprefix("order-") for s in demo_club.stand_in.sessions() if s["status"] == "open"
    ]
    assert len(payable) == len(set(payable))


@pytest.mark.parametrize("player", EXPIRED)
def test_an_expired_session_is_renewed_and_mailed(demo_club: Pipeline, player: str) -> None:
    before = demo_club.order_of(player)
    assert bool(before.stripe_checkout_url) == (player in EXPIRED_WITH_URL)
    demo_club.run()
    after, session = demo_club.order_of(player), open_session(demo_club, player)
    address = f"{demo_club.message_to(player.split()[1]).address}"
    (message,) = demo_club.inbox.to(address)
    assert links_in(message) == [session["url"]] == [after.stripe_checkout_url]
    assert after.stripe_checkout_session_id == session["id"] != before.stripe_checkout_session_id
    assert amounts_in(message)[0] == f"${after.amount / 100:.2f}"
    assert player in str(message["Subject"]) + message.get_body(("plain",)).get_content()  # type: ignore[union-attr] # it has one


@pytest.mark.parametrize("player", PAID)
def test_who_has_paid_is_not_mailed(demo_club: Pipeline, player: str) -> None:
    demo_club.run()
    message = demo_club.message_to(player.split()[1])
    assert (message.status, message.reason) == ("skipped", "paid")
    assert demo_club.inbox.to(message.address) == []
    assert demo_club.order_of(player).status == "paid"


@pytest.mark.parametrize("player", WEBHOOK_LOST)
def test_who_has_paid_while_the_webhook_was_lost_is_recorded_as_paid_and_not_mailed(
    demo_club: Pipeline, player: str
) -> None:
    assert demo_club.order_of(player).status == "pending"
    demo_club.run()
    order, message = demo_club.order_of(player), demo_club.message_to(player.split()[1])
    assert (order.status, order.payment_method) == ("paid", "stripe")
    assert order.stripe_payment_intent_id == demo_club.sessions_of(player)[0]["payment_intent"]
    assert order.paid_at is not None
    assert (message.status, message.reason) == ("skipped", "paid")
    assert demo_club.inbox.to(message.address) == []


def test_three_sisters_come_in_one_message_with_a_link_and_a_price_each_and_the_sum(demo_club: Pipeline) -> None:
    demo_club.run()
    (message,) = demo_club.inbox.to("rosa.delgado@example.com")
    assert links_in(message) == [open_session(demo_club, sister)["url"] for sister in SISTERS]
    assert amounts_in(message) == ["$55.00", "$65.00", "$55.00", "$175.00"]


def test_a_parent_stored_twice_at_gmail_gets_one_message_for_both_children(demo_club: Pipeline) -> None:
    demo_club.run()
    (message,) = [message for message in demo_club.inbox.messages() if "gmail.com" in message["X-Envelope-To"]]
    assert message["X-Envelope-To"] == "Jo.Ek@gmail.com"
    assert links_in(message) == [open_session(demo_club, player)["url"] for player in ("Max Ek", "Tove Ek")]


def test_a_parent_without_an_address_is_skipped_by_name(demo_club: Pipeline) -> None:
    demo_club.run()
    message = demo_club.message_to("Xu")
    assert (message.status, message.reason) == ("skipped", "no_address")
    assert demo_club.sessions_of("Hugo Xu") == []


def test_a_committed_player_without_an_order_is_skipped_by_name(demo_club: Pipeline) -> None:
    summary = demo_club.run()
    message = demo_club.message_to("Yates")
    assert (message.status, message.reason) == ("skipped", "no_order")
    assert summary.campaign.players_without_order == 1
    assert demo_club.inbox.to("ivan.yates@example.com") == []


def test_an_invited_player_who_did_not_commit_is_no_recipient(demo_club: Pipeline) -> None:
    demo_club.run()
    assert demo_club.sql("SELECT * FROM tournament_fees.messages WHERE family = 'zeller'") == []
    assert demo_club.inbox.to("jana.zeller@example.com") == []


def test_an_open_session_of_the_right_amount_with_20_hours_left_is_kept_and_mailed(demo_club: Pipeline) -> None:
    before = demo_club.order_of("Kira Arden")
    demo_club.run()
    (message,) = demo_club.inbox.to("kofi.arden@example.org")
    assert links_in(message) == [before.stripe_checkout_url]
    assert demo_club.order_of("Kira Arden") == before
    assert len(demo_club.sessions_of("Kira Arden")) == 1


def test_an_open_session_of_the_old_price_is_expired_and_the_new_price_is_mailed(demo_club: Pipeline) -> None:
    (old,) = demo_club.sessions_of("Leo Bishop")
    assert (old["status"], old["amount_total"]) == ("open", 7500)
    demo_club.run()
    new, replaced = demo_club.sessions_of("Leo Bishop")
    (message,) = demo_club.inbox.to("lena.bishop@example.com")
    assert (replaced["id"], replaced["status"]) == (old["id"], "expired")
    assert (new["status"], new["amount_total"]) == ("open", demo_club.order_of("Leo Bishop").amount)
    assert links_in(message) == [new["url"]]
    assert amounts_in(message)[0] == f"${new['amount_total'] / 100:.2f}"


def test_a_slow_payment_that_has_not_settled_is_left_alone_and_said(demo_club: Pipeline) -> None:
    before = demo_club.order_of("Mia Conti")
    demo_club.run()
    message = demo_club.message_to("Conti")
    assert (message.status, message.reason) == ("skipped", "processing")
    assert demo_club.order_of("Mia Conti") == before
    assert len(demo_club.sessions_of("Mia Conti")) == 1
    assert demo_club.inbox.to("marco.conti@example.com") == []


def test_an_order_paid_in_cash_has_its_open_session_closed_and_is_not_mailed(demo_club: Pipeline) -> None:
    assert demo_club.sessions_of("Nils Dunne")[0]["status"] == "open"
    demo_club.run()
    (session,) = demo_club.sessions_of("Nils Dunne")
    message, order = demo_club.message_to("Dunne"), demo_club.order_of("Nils Dunne")
    assert session["status"] == "expired"
    assert (order.status, order.payment_method) == ("paid", "cash")
    assert (message.status, message.reason) == ("skipped", "paid")
    assert demo_club.inbox.to("nadia.dunne@example.org") == []


def test_an_open_session_whose_url_was_never_stored_is_backfilled_and_mailed(demo_club: Pipeline) -> None:
    before = demo_club.order_of("Orla Engel")
    assert before.stripe_checkout_url is None
    demo_club.run()
    (session,) = demo_club.sessions_of("Orla Engel")
    (message,) = demo_club.inbox.to("oscar.engel@example.com")
    assert links_in(message) == [session["url"]] == [demo_club.order_of("Orla Engel").stripe_checkout_url]
    assert session["id"] == before.stripe_checkout_session_id


def test_a_second_run_sends_nothing_and_makes_no_session(demo_club: Pipeline) -> None:
    demo_club.run()
    mailed, sessions = len(demo_club.inbox.messages()), demo_club.stand_in.sessions()
    again = demo_club.run()
    assert (again.sent, len(demo_club.inbox.messages())) == (0, mailed)
    assert demo_club.stand_in.sessions() == sessions


def test_a_slow_payment_that_fails_is_asked_for_by_the_next_run(demo_club: Pipeline) -> None:
    demo_club.run()
    (session,) = demo_club.sessions_of("Mia Conti")
    demo_club.stand_in.fail(session["id"])
    again = demo_club.run()
    (message,) = demo_club.inbox.to("marco.conti@example.com")
    assert again.sent == 1
    assert links_in(message) == [open_session(demo_club, "Mia Conti")["url"]]


def test_a_slow_payment_that_settles_is_recorded_and_not_asked_for(demo_club: Pipeline) -> None:
    demo_club.run()
    (session,) = demo_club.sessions_of("Mia Conti")
    demo_club.stand_in.settle(session["id"])
    assert demo_club.run().sent == 0
    assert demo_club.order_of("Mia Conti").status == "paid"
    assert demo_club.message_to("Conti").reason == "paid"


def test_mended_causes_bring_skipped_recipients_back(demo_club: Pipeline) -> None:
    demo_club.run()
    demo_club.sql("UPDATE parents SET email = 'hana.xu@example.com' WHERE last_name = 'Xu'")
    demo_club.sql(
        "INSERT INTO orders (player_id, product_id, amount) SELECT 30, product_id, 5500 FROM tournament_products "
        "JOIN player_teams USING (team_id) WHERE player_id = 30"
    )
    assert demo_club.run().sent == 2
    assert len(demo_club.inbox.to("hana.xu@example.com")) == len(demo_club.inbox.to("ivan.yates@example.com")) == 1


def test_a_reminding_campaign_days_later_mails_fresh_links_to_those_who_still_owe(demo_club: Pipeline) -> None:
    demo_club.run()
    demo_club.stand_in.pay(str(open_session(demo_club, "Amy Abbott")["id"]))
    demo_club.later(timedelta(days=3))
    again = demo_club.run(sequence="2")
    assert again.sent == 22
    assert len(demo_club.inbox.to("karen.abbott@example.com")) == 1
    assert demo_club.order_of("Amy Abbott").status == "paid"


def test_the_ledger_tells_every_deliverys_story(demo_club: Pipeline) -> None:
    demo_club.run()
    rows = demo_club.sql(
        "SELECT array_agg(a.outcome ORDER BY a.id) AS outcomes, min(a.smtp_code) AS code, m.links_die_at, m.attempts "
        "FROM tournament_fees.messages m JOIN tournament_fees.delivery_attempts a ON a.message_id = m.id GROUP BY m.id"
    )
    assert len(rows) == 23
    for row in rows:
        assert (row.outcomes, row.code, row.attempts) == (["sending", "sent"], 250, 1)
        assert row.links_die_at > datetime.now(UTC) + timedelta(hours=12)


def test_mails_carry_the_ledgers_message_ids_and_the_clubs_headers(demo_club: Pipeline) -> None:
    demo_club.run()
    sent = {
        row.message_id for row in demo_club.sql("SELECT message_id FROM tournament_fees.messages WHERE status = 'sent'")
    }
    messages = demo_club.inbox.messages()
    assert {message["Message-ID"] for message in messages} == sent
    assert {message["Reply-To"] for message in messages} == {"treasurer@example.org"}
    assert {message["Auto-Submitted"] for message in messages} == {"auto-generated"}
