"""What a person has to know is in the report, and a word of Stripe's that nobody knows yet stops nothing."""

from dataclasses import replace

import pytest

from tasks.campaigns import report
from tasks.campaigns import summary as counting
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    return SmallClub.on(small_club)


def test_an_order_that_was_paid_twice_is_in_every_report_until_a_person_clears_it(club: SmallClub) -> None:
    (order,) = club.family()
    ours = club.ensure_link(order)
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
    session = replace(keeper.stripe.sessions.retrieve(club.own_session(order)), status="paused")
    with keeper.ledger.lease(order) as ledger:
        assert ledger is not None
        ledger.observe(order, session, now=club.pipeline.clock())
    assert club.attempts(order) == [("club", "unknown")]


def test_a_report_that_cannot_name_all_says_so(club: SmallClub, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        club.family(f"Ek{number}", email=None)
    assert "first" not in report.markdown(club.pipeline.run(CUP))
    monkeypatch.setattr(counting, "MOST_PROBLEMS", 3)
    summary = club.pipeline.run(CUP)
    assert len(summary.problems) == 3
    assert "These are the first 3 of 4." in report.markdown(summary)


def test_a_run_that_finds_messages_in_anothers_hand_says_until_when_they_wait(club: SmallClub) -> None:
    club.family()
    campaign = club.open_campaign()
    club.sql(
        "UPDATE tournament_fees.messages SET status = 'claimed', lease_token = gen_random_uuid(), "
        "lease_expires_at = '2100-01-01 10:00+00'"
    )
    said = report.sentence(club.pipeline.run(CUP))
    waits = "1 wait (another worker has them in hand, or was lost with them): due from 2100-01-01 10:00 UTC"
    assert said == f"0 sent, 0 skipped, 1 still to send; {waits}"
    club.sql("UPDATE tournament_fees.messages SET lease_expires_at = clock_timestamp() - interval '1 second'")
    assert counting.summarize(club.pipeline.services, campaign, None).waits == ()
    assert club.pipeline.run(CUP).sent == 1


def test_a_corrected_address_leaves_nothing_to_look_at(club: SmallClub) -> None:
    club.family()
    club.open_campaign()
    club.sql("UPDATE parents SET email = 'jo@example.org'")
    assert club.pipeline.run(CUP).problems == ()
