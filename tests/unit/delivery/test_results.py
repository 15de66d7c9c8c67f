"""What keeps an ending from being written down is told once, to whoever comes next, and is nobody's bug."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tasks.campaigns.message import Message
from tasks.core.errors import TransientError
from tasks.delivery.outbox import Claim
from tasks.delivery.results import HANDED_OVER, Results
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase

MESSAGE = Message(
    id=1,
    kind="fee_notice",
    mailbox="ek@example.com",
    address="ek@example.com",
    message_id="<1@example.org>",
    attempts=0,
    attempts_before=0,
    maybe_delivered=False,
    content_digest=None,
    dated_at=None,
    suppressed=False,
    approved=True,
    order_ids=[1],
)
SENT = Delivery(DeliveryOutcome.SENT, Phase.AFTER_DOT)


class Ledger(Claim):
    """A ledger that is away for a while."""

    def __init__(self) -> None:
        self.token = uuid4()
        self.away = True

    def record(self, message: Message, delivery: Delivery) -> str:  # noqa: ARG002  the ledger's own
        if self.away:
            raise TransientError("away")
        return "sent"


def test_one_that_was_refused_before_its_body_hides_no_error_of_the_one_before_it() -> None:
    ledger = Ledger()
    with ThreadPoolExecutor(1) as recorder:
        results = Results(ledger, recorder)
        assert results.record(MESSAGE, SENT) == HANDED_OVER
        with pytest.raises(TransientError):
            results.record(MESSAGE, SENT)


def test_an_error_is_raised_once_and_what_follows_is_counted() -> None:
    ledger = Ledger()
    with ThreadPoolExecutor(1) as recorder:
        results = Results(ledger, recorder)
        results.record(MESSAGE, SENT)
        with pytest.raises(TransientError):
            results.finish_recording()
        results.finish_recording()
        ledger.away = False
        results.note(2, lambda: results.record(MESSAGE, SENT))
        results.note(3, lambda: "skipped")
        results.finish_recording()
    assert results.statuses() == {"sent": 1, "skipped": 1}
