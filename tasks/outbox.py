"""The outbox: messages under a lease, from claimed to a state with a reason; the ledger decides, not memory."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from tasks.database import Database, fetch
from tasks.links.model import Link
from tasks.mail.smtp import Delivery, DeliveryOutcome

CLAIM_SECONDS = 300
"""Longer than one message takes up to `sending`; extended before each, so a lost worker's messages come back soon."""

SENDING_MARGIN_SECONDS = 300
"""A lease in `sending` outlives the wait for the last reply by this much, in which the body has to get out."""

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)


@dataclass(frozen=True)
class Message:
    """A claimed message and the orders that it is about."""

    id: int
    kind: str
    address: str
    message_id: str
    attempts: int
    order_ids: Sequence[int]


@dataclass(frozen=True)
class Outbox:
    """The messages of one campaign, as one flow run works on them."""

    database: Database
    campaign_id: int
    clock: Callable[[], datetime]
    max_attempts: int
    reply_timeout: float
    run_id: UUID | None = None

    @contextmanager
    def claim(self, message_ids: Sequence[int]) -> Iterator["Claim"]:
        """Lease those of the messages that are due and free; what the block leaves unsettled is given back."""
        claim = Claim(self, uuid4())
        now = self.clock()
        rows = self.database.fetch(
            "claim_messages", ids=list(message_ids), token=claim.token, lease_seconds=CLAIM_SECONDS, now=now
        )
        claim.ids = sorted(row.id for row in rows)
        try:
            yield claim
        finally:
            self.database.fetch("return_claims", token=claim.token, now=self.clock())


class Claim:
    """What one worker holds under one token; every write requires that the token still is the message's."""

    def __init__(self, outbox: Outbox, token: UUID) -> None:
        self.outbox = outbox
        self.token = token
        self.ids: list[int] = []

    def take(self, message_id: int) -> Message | None:
        """Keep our leases alive and read its next message; None where it is not ours any more."""
        with self.outbox.database.transaction() as connection:
            fetch(connection, "extend_claims", token=self.token, lease_seconds=CLAIM_SECONDS)
            rows = fetch(connection, "claimed_message", message_id=message_id, token=self.token)
        return Message(**rows[0]._asdict()) if rows else None

    def record_links(self, links: Sequence[Link]) -> None:
        """Note how each order's link stands, and with it what the message will say."""
        with self.outbox.database.transaction() as connection:
            for link in links:
                fetch(
                    connection,
                    "record_link",
                    campaign_id=self.outbox.campaign_id,
                    order_id=link.order_id,
                    link=link.outcome.value,
                    detail=link.detail or None,
                    session_id=link.session_id,
                    amount=link.amount,
                    currency=link.currency,
                    link_expires_at=link.expires_at,
                    checked_at=link.checked_at,
                )

    def enter_sending(self, message: Message, links: Sequence[Link]) -> bool:
        """Commit that the body is about to go out; False where message, order or link is not as it was a moment ago."""
        entered = self.outbox.database.fetch(
            "enter_sending",
            message_id=message.id,
            token=self.token,
            order_ids=[link.order_id for link in links],
            links_die_at=min((link.expires_at for link in links if link.expires_at), default=None),
            lease_seconds=self.outbox.reply_timeout + SENDING_MARGIN_SECONDS,
            run_id=self.outbox.run_id,
            now=self.outbox.clock(),
        )
        return bool(entered)

    def record(self, message: Message, delivery: Delivery) -> str:
        """Commit what became of a message and return its new status; what the server put off is queued for later."""
        now, attempt = self.outbox.clock(), message.attempts + 1
        status, reason, due = self._next(delivery, attempt, now)
        values = {
            "message_id": message.id,
            "status": status,
            "reason": reason,
            "error": None if status == "sent" else delivery.reply,
            "attempt": attempt,
            "outcome": delivery.outcome.value,
            "phase": delivery.phase.value,
            "smtp_code": delivery.code,
            "smtp_reply": delivery.reply,
            "run_id": self.outbox.run_id,
            "now": now,
        }
        database = self.outbox.database
        recorded = database.fetch("record_delivery", **values, token=self.token, next_attempt_at=due)
        if not recorded and status in {"sent", "failed"}:
            recorded = database.fetch("record_late_reply", **values)
        return status if recorded else "lost"

    def put_off(
        self, message_id: int, status: str, reason: str, *, due: datetime | None = None, error: str | None = None
    ) -> str:
        """Skip a message that was not begun, fail it, or queue it for `due`; return its new status."""
        recorded = self.outbox.database.fetch(
            "put_off_message",
            message_id=message_id,
            token=self.token,
            status=status,
            reason=reason,
            error=error,
            next_attempt_at=due,
            now=self.outbox.clock(),
        )
        return status if recorded else "lost"

    def _next(self, delivery: Delivery, attempt: int, now: datetime) -> tuple[str, str | None, datetime | None]:
        match delivery.outcome:
            case DeliveryOutcome.SENT:
                return "sent", None, None
            case DeliveryOutcome.UNCERTAIN:
                return "uncertain", "no_reply", None
            case DeliveryOutcome.DEFERRED if attempt < self.outbox.max_attempts:
                return "queued", "put_off_by_server", now + retry_delay(attempt)
            case DeliveryOutcome.DEFERRED:
                return "failed", "gave_up", None
        return "failed", "refused_by_server", None


def retry_delay(attempt: int) -> timedelta:
    """Return how long to wait after the n-th attempt: doubling from one minute to four hours, plus up to a quarter."""
    delay = min(FIRST_RETRY * 2.0 ** min(attempt - 1, 20), LONGEST_RETRY)
    return delay * random.uniform(1, 1.25)  # noqa: S311  spreads load; nobody gains by guessing it
