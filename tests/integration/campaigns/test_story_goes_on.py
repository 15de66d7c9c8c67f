"""The same tournament when the campaign is run again: what has changed meanwhile, and what must not happen."""

from datetime import timedelta

from tests.support.harness import Pipeline, links_in, open_session


def test_no_order_can_be_paid_twice(demo_club: Pipeline) -> None:
    demo_club.run()
    demo_club.run(sequence=2)
    payable = [
        s["client_reference_id"].removeprefix("order-") for s in demo_club.stand_in.sessions() if s["status"] == "open"
    ]
    assert len(payable) == len(set(payable))


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
    again = demo_club.run(sequence=2)
    assert again.sent == 22
    assert len(demo_club.inbox.to("karen.abbott@example.com")) == 1
    assert demo_club.order_of("Amy Abbott").status == "paid"
