"""The outbox's rules without a database: how long to wait, and why a message is skipped."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.campaigns.letters import LINE_STATES, skip_reason
from tasks.campaigns.options import Batch, CampaignOptions
from tasks.core.settings import Settings
from tasks.delivery.outbox import FIRST_RETRY, LONGEST_RETRY, retry_delay
from tasks.links.model import LinkOutcome, LinkResult
from tasks.mail.letter import LinkState


@given(st.integers(1, 10_000))
def test_a_retry_waits_at_least_as_long_as_its_step_and_a_quarter_more_at_most(attempt: int) -> None:
    step = min(FIRST_RETRY * 2 ** min(attempt - 1, 20), LONGEST_RETRY)
    assert step <= retry_delay(attempt) <= step * 1.25


def test_each_retry_of_the_first_hours_waits_longer_than_the_one_before() -> None:
    delays = [retry_delay(attempt) for attempt in range(1, 7)]
    assert all(shorter < longer for shorter, longer in pairwise(delays))
    assert timedelta(minutes=5) <= delays[0] < timedelta(minutes=7), "greylisting asks for some minutes"


def test_a_message_that_is_put_off_is_tried_for_a_day() -> None:
    tries = Settings.model_fields["max_attempts"].default
    assert (
        timedelta(days=1) < sum((retry_delay(attempt) for attempt in range(1, tries)), timedelta()) < timedelta(days=2)
    )


def link(outcome: LinkOutcome, status: str = "pending") -> LinkResult:
    return LinkResult(1, status, outcome)


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        ([link(LinkOutcome.SET_ASIDE)], "link_under_review"),
        ([link(LinkOutcome.SET_ASIDE), link(LinkOutcome.FOUND_PAID)], "link_under_review"),
        ([link(LinkOutcome.SET_ASIDE), link(LinkOutcome.PROCESSING)], "link_under_review"),
        ([link(LinkOutcome.PROCESSING)], "processing"),
        ([link(LinkOutcome.PROCESSING), link(LinkOutcome.ALREADY_PAID, "paid")], "processing"),
        ([link(LinkOutcome.FOUND_PAID)], "paid"),
        ([link(LinkOutcome.ALREADY_PAID, "paid")], "paid"),
        ([link(LinkOutcome.NOT_OWED, "waived")], "paid"),
        ([link(LinkOutcome.CLOSED, "paid")], "paid"),
        ([link(LinkOutcome.NOT_OWED, "cancelled"), link(LinkOutcome.ALREADY_PAID, "paid")], "paid"),
        ([link(LinkOutcome.NOT_OWED, "pending")], "not_committed"),
        ([link(LinkOutcome.CLOSED, "pending")], "not_committed"),
        ([link(LinkOutcome.NOT_OWED, "cancelled")], "not_owed"),
        ([link(LinkOutcome.CLOSED, "refunded")], "not_owed"),
        ([], "no_order"),
    ],
)
def test_a_skipped_message_says_why(links: list[LinkResult], reason: str) -> None:
    assert skip_reason(links) == reason


def test_a_link_that_can_be_paid_is_told_as_payable_and_no_other() -> None:
    payable = {outcome for outcome, state in LINE_STATES.items() if state is LinkState.PAYABLE}
    assert payable == {LinkOutcome.KEPT, LinkOutcome.BACKFILLED, LinkOutcome.MADE, LinkOutcome.RENEWED}
    assert set(LinkOutcome) - set(LINE_STATES) == {LinkOutcome.CLOSED, LinkOutcome.NOT_OWED, LinkOutcome.NO_LIVE_LINK}


def test_a_batch_is_named_by_what_it_delivers() -> None:
    assert str(Batch(51, (4, 8, 9))) == "messages 51 to 53"


@pytest.mark.parametrize("sequence", ["", "a b", 0, -1, 100, 1.5, "é"])
def test_a_campaigns_number_is_a_small_whole_number(sequence: object) -> None:
    with pytest.raises(ValueError, match="sequence"):
        CampaignOptions.model_validate({"sequence": sequence})
