"""The outbox: messages under a lease, from claimed to a state with a reason; the ledger decides, not memory."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection

from tasks.campaigns.message import RENEWED_LINK, Draft, Message
from tasks.campaigns.reminders import Obstacle, ReminderLimits
from tasks.core.database import Database, Source
from tasks.delivery import queries
from tasks.links.model import LinkResult
from tasks.mail.quota import UNLIMITED, Quota
from tasks.mail.suppressions import NO_SUCH_MAILBOX, PIPELINE, Suppression, enhanced_status
from tasks.mail.transport import Delivery, DeliveryOutcome

CLAIM_SECONDS = 300
"""Longer than one message takes up to `sending`; extended on the way, so a lost worker's messages come back soon."""

FRESH_CLAIM_SECONDS = 270
"""A claim that has so much left is not extended yet: else each message would cost a write for all that are claimed."""

SENDING_MARGIN_SECONDS = 300
"""A lease in `sending` outlives the wait for the last reply by this much, in which the body has to get out."""

OUTAGE_BEFORE_BODY_SECONDS = 60
"""How long a database that is away is waited for between the server's 354 and the body."""

OUTAGE_AFTER_BODY_SECONDS = 240
"""The same with the server's last word in hand, which nobody else knows; what outlives the lease is a late reply."""

FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=4)


@dataclass(frozen=True)
class Outbox:
    """The messages of one campaign, as one flow run works on them."""

    database: Database
    campaign_id: int
    clock: Callable[[], datetime]
    max_attempts: int
    reply_timeout: float
    run_id: UUID | None = None
    quota: Quota = UNLIMITED
    digests: Mapping[str, str] = field(default_factory=dict)
    """Of the templates and note that each kind of message is written with: what approvals compare."""
    reminders: ReminderLimits | None = None
    """What holds for the messages of a campaign that reminds."""

    @contextmanager
    def claim(self, message_ids: Sequence[int]) -> Iterator["Claim"]:
        """Lease those of the messages that are due and free; what the block leaves unsettled is given back."""
        claim = Claim(self, uuid4())
        now = self.clock()
        claim.ids = sorted(
            queries.claim_messages(
                self.database, ids=message_ids, token=claim.token, lease_seconds=CLAIM_SECONDS, now=now
            )
        )
        try:
            yield claim
        finally:
            queries.return_claims(self.database, message_ids=claim.held, token=claim.token, now=self.clock())


class NextState(NamedTuple):
    """What a message comes to after an attempt, why, and when the next one is due."""

    status: str
    reason: str | None = None
    due: datetime | None = None


class Claim:
    """What one worker holds under one token; every write requires that the token still is the message's."""

    def __init__(self, outbox: Outbox, token: UUID) -> None:
        self.outbox = outbox
        self.token = token
        self.ids: list[int] = []
        self._renewed: list[int] = []

    @property
    def held(self) -> list[int]:
        """All that was ever under our token."""
        return [*self.ids, *self._renewed]

    @property
    def digests(self) -> str:
        """The template digests as SQL takes them."""
        return json.dumps(dict(self.outbox.digests))

    def take(self, *message_ids: int) -> list[Message]:
        """Keep our leases alive, and read those of the messages that are still ours."""
        database = self.outbox.database
        queries.extend_claims(
            database,
            message_ids=self.held,
            token=self.token,
            lease_seconds=CLAIM_SECONDS,
            fresh_seconds=FRESH_CLAIM_SECONDS,
        )
        return queries.read_claimed_messages(database, message_ids=message_ids, token=self.token, digests=self.digests)

    def record_links(self, links: Sequence[LinkResult]) -> None:
        """Note how each order's link stands, and with it what the message will say."""
        queries.record_links(self.outbox.database, campaign_id=self.outbox.campaign_id, links=links)

    def quota_due(self) -> datetime | None:
        """Say when another message may go out under the sending limits; None: now."""
        if not self.outbox.quota.limited:
            return None
        with self.outbox.database.transaction() as connection:
            return self.outbox.quota.due(connection, self.outbox.clock())

    def reminder_obstacle(self, message: Message) -> Obstacle | None:
        """Say why a message of a campaign that reminds must not go out now; None: it may."""
        if self.outbox.reminders is None:
            return None
        with self.outbox.database.transaction() as connection:
            return self.outbox.reminders.find_obstacle(connection, message.id, self.outbox.clock())

    def enter_sending(self, message: Message, draft: Draft) -> bool:
        """Commit that the body is about to go out; False where anything is not as it was a moment ago.

        That is the message, its lease, an order, a link, an approval, the campaign, the suppression list or a limit:
        the sending limits and, for reminders, theirs. A database that goes away meanwhile is waited for. Where it has
        committed and could not say so, that counts: under our token nobody but we can have entered, and the body is
        not out yet.
        """
        tried = False

        def enter() -> bool:
            nonlocal tried
            tried, again = True, tried
            return self._enter_sending(message, draft) or (again and self._is_sending(message))

        return self.outbox.database.retry_while_down(enter, OUTAGE_BEFORE_BODY_SECONDS)

    def _is_sending(self, message: Message) -> bool:
        return queries.is_sending(
            self.outbox.database, message_id=message.id, token=self.token, attempt=message.attempts + 1
        )

    def _enter_sending(self, message: Message, draft: Draft) -> bool:
        now = self.outbox.clock()
        reminders, quota = self.outbox.reminders, self.outbox.quota
        if reminders is None and not quota.limited:
            return self._write_sending(self.outbox.database, message, draft, now)
        with self.outbox.database.transaction() as connection:
            may_go = quota.take(connection, now)
            queries.lock_mailbox(connection, message_id=message.id)
            may_go = may_go and (reminders is None or reminders.find_obstacle(connection, message.id, now) is None)
            return may_go and self._write_sending(connection, message, draft, now)

    def _write_sending(self, source: Source, message: Message, draft: Draft, now: datetime) -> bool:
        return queries.enter_sending(
            source,
            message_id=message.id,
            token=self.token,
            order_ids=[link.order_id for link in draft.links],
            links_die_at=draft.links_die_at,
            content_digest=draft.digest,
            dated_at=draft.dated_at,
            digests=self.digests,
            lease_seconds=self.outbox.reply_timeout + SENDING_MARGIN_SECONDS,
            run_id=self.outbox.run_id,
            now=now,
        )

    def record(self, message: Message, delivery: Delivery) -> str:
        """Commit what became of a message and return its new status; what the server deferred is queued for later.

        Where the server says that there is no such mailbox, it goes on the suppression list with it. A database that is
        away is waited for: with our process what the mail server said would be lost.
        """
        return self.outbox.database.retry_while_down(lambda: self._record(message, delivery), OUTAGE_AFTER_BODY_SECONDS)

    def _record(self, message: Message, delivery: Delivery) -> str:
        now = self.outbox.clock()
        next_state = self._judge(delivery, message.attempts + 1 - message.attempts_before, now)
        # A statement by itself is a transaction by itself, which spares two round trips.
        if next_state.status == "sent":
            recorded = self._write_delivery(self.outbox.database, message, delivery, next_state, now)
            if recorded:
                return next_state.status
        with self.outbox.database.transaction() as connection:
            recorded = self._write_delivery(connection, message, delivery, next_state, now)
            if not recorded and next_state.status != "uncertain":
                recorded = self._write_late_reply(connection, message, delivery, next_state, now)
            if recorded and next_state.status == "failed" and enhanced_status(delivery.reply) in NO_SUCH_MAILBOX:
                bad = Suppression(message.mailbox, message.address, delivery.reply, "reply", PIPELINE)
                bad.add(connection, now)
        return recorded or "lost"

    def _write_delivery(
        self, source: Source, message: Message, delivery: Delivery, next_state: NextState, now: datetime
    ) -> str | None:
        return queries.record_delivery(
            source,
            message_id=message.id,
            token=self.token,
            status=next_state.status,
            reason=next_state.reason,
            error=None if next_state.status == "sent" else delivery.reply,
            next_attempt_at=next_state.due,
            attempt=message.attempts + 1,
            outcome=delivery.outcome,
            phase=delivery.phase,
            smtp_code=delivery.code,
            smtp_reply=delivery.reply,
            run_id=self.outbox.run_id,
            now=now,
        )

    def _write_late_reply(
        self, connection: Connection, message: Message, delivery: Delivery, next_state: NextState, now: datetime
    ) -> str | None:
        """Settle what was called uncertain meanwhile; a late "not now" is no reason to send by ourselves again."""
        late = NextState("failed", "gave_up") if next_state.status == "queued" else next_state
        return queries.record_late_reply(
            connection,
            message_id=message.id,
            status=late.status,
            reason=late.reason,
            error=None if next_state.status == "sent" else delivery.reply,
            attempt=message.attempts + 1,
            outcome=delivery.outcome,
            phase=delivery.phase,
            smtp_code=delivery.code,
            smtp_reply=delivery.reply,
            run_id=self.outbox.run_id,
            now=now,
        )

    def renew(self, message: Message, mailbox: str, address: str, domain: str) -> int | None:
        """Let a new message, with its own Message-ID, take the place of one that cannot be sent again unchanged.

        Returns its id, held under our lease; None where the old one is not ours any more or its campaign is stopped.
        """
        with self.outbox.database.transaction() as connection:
            if not queries.lock_sending_campaign(connection, campaign_id=self.outbox.campaign_id):
                return None
            renewed = queries.renew_message(
                connection,
                message_id=message.id,
                token=self.token,
                kind=RENEWED_LINK,
                mailbox=mailbox,
                address=address,
                domain=domain,
                lease_seconds=CLAIM_SECONDS,
                now=self.outbox.clock(),
            )
        if renewed is not None:
            self._renewed.append(renewed)
        return renewed

    def defer(
        self, message_id: int, status: str, reason: str, *, due: datetime | None = None, error: str | None = None
    ) -> str:
        """Skip a message that was not begun, fail it, or queue it for `due`; return its new status.

        One that may have been delivered before does not fail: it is uncertain still.
        """
        recorded = queries.defer_message(
            self.outbox.database,
            message_id=message_id,
            token=self.token,
            status=status,
            reason=reason,
            error=error,
            next_attempt_at=due,
            now=self.outbox.clock(),
        )
        return recorded or "lost"

    def _judge(self, delivery: Delivery, attempt: int, now: datetime) -> NextState:
        match delivery.outcome:
            case DeliveryOutcome.SENT:
                return NextState("sent")
            case DeliveryOutcome.UNCERTAIN:
                return NextState("uncertain", "no_reply")
            case DeliveryOutcome.DEFERRED if attempt < self.outbox.max_attempts:
                return NextState("queued", "put_off_by_server", now + retry_delay(attempt))
            case DeliveryOutcome.DEFERRED:
                return NextState("failed", "gave_up")
        return NextState("failed", "refused_by_server")


def retry_delay(attempt: int) -> timedelta:
    """Return how long to wait after the n-th attempt: five minutes, doubling up to four hours, plus up to a quarter."""
    delay = min(FIRST_RETRY * 2.0 ** min(attempt - 1, 20), LONGEST_RETRY)
    return delay * random.uniform(1, 1.25)  # noqa: S311  spreads load; nobody gains by guessing it
