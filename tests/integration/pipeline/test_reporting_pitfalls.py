"""What a person has to know is in the report, and a word of Stripe's that nobody knows yet stops nothing."""

from dataclasses import replace

import pytest

from tests.integration.pipeline.harness import Pipeline
from tests.integration.pipeline.small_club import CUP, SmallClub


@pytest.fixture
def club(empty_club: Pipeline) -> SmallClub:
    return SmallClub.on(empty_club)


def test_an_order_that_was_paid_twice_is_in_every_report_until_a_person_clears_it(club: SmallClub) -> None:
    (order,) = club.family()
    ours = club.tend(order)
    for session in (ours.session_id, club.own_session(order)):
        club.pipeline.stand_in.pay(str(session))
    for sequence in (1, 1, 2):
        assert "refund" in " ".join(problem.detail for problem in club.pipeline.run(CUP, sequence).problems)


def test_cash_and_a_card_payment_are_in_every_report_until_a_person_clears_it(club: SmallClub) -> None:
    (order,) = club.family()
    club.pipeline.stand_in.pay(club.own_session(order))
    club.set_order(order, status="paid", payment_method="cash")
    for sequence in (1, 1, 2):
        assert "refund" in " ".join(problem.detail for problem in club.pipeline.run(CUP, sequence).problems)


def test_a_status_that_nobody_knows_yet_can_be_written_down(club: SmallClub) -> None:
    (order,) = club.family()
    keeper = club.pipeline.services.keeper
    session = replace(keeper.stripe.retrieve(club.own_session(order)), status="paused")
    with keeper.ledger.lease(order) as ledger:
        assert ledger is not None
        ledger.observe(order, session, now=club.pipeline.clock())
    assert club.attempts(order) == [("club", "unknown")]


def test_a_corrected_address_leaves_nothing_to_look_at(club: SmallClub) -> None:
    club.family()
    club.open_campaign()
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    assert club.pipeline.run(CUP).problems == ()
