"""Every statement about messages on their way: sql/queries/delivery, a function each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from tasks.campaigns.message import Message
from tasks.core.database import Source, fetch
from tasks.links.model import LinkResult
from tasks.mail.transport import DeliveryOutcome, Phase

# Leases


def claim_messages(
    source: Source, *, token: UUID, lease_seconds: float, now: datetime, ids: Sequence[int]
) -> list[int]:
    """Take up those of these messages that are due and free, and return their ids in no order.

    What a lost worker had claimed is free when its lease is over: nothing of it was on the wire.
    """
    rows = fetch(source, "delivery/claim_messages", token=token, lease_seconds=lease_seconds, now=now, ids=ids)
    return [row.id for row in rows]


def extend_claims(
    source: Source, *, lease_seconds: float, message_ids: Sequence[int], token: UUID, fresh_seconds: float
) -> None:
    """Keep claimed messages for another while; a lease that has `fresh_seconds` left stays as it is."""
    fetch(
        source,
        "delivery/extend_claims",
        lease_seconds=lease_seconds,
        message_ids=message_ids,
        token=token,
        fresh_seconds=fresh_seconds,
    )


def read_claimed_messages(source: Source, *, digests: str, message_ids: Sequence[int], token: UUID) -> list[Message]:
    """Read those of these messages that are still ours; `digests`: of each kind's templates, a JSON object."""
    rows = fetch(source, "delivery/read_claimed_messages", digests=digests, message_ids=message_ids, token=token)
    return [Message(**row._asdict()) for row in rows]


def return_claims(source: Source, *, now: datetime, message_ids: Sequence[int], token: UUID) -> None:
    """Give back what is claimed and not sent."""
    fetch(source, "delivery/return_claims", now=now, message_ids=message_ids, token=token)


# Before the body


def record_links(source: Source, *, campaign_id: int, links: Sequence[LinkResult]) -> None:
    """Remember how orders' links stood when they were checked, and what the messages that carry them say."""
    fetch(
        source,
        "delivery/record_links",
        campaign_id=campaign_id,
        order_ids=[link.order_id for link in links],
        links=[link.outcome.value for link in links],
        details=[link.detail or None for link in links],
        session_ids=[link.session_id for link in links],
        amounts=[link.amount for link in links],
        currencies=[link.currency for link in links],
        links_expire_at=[link.expires_at for link in links],
        checked_at=[link.checked_at for link in links],
    )


def lock_mailbox(connection: Connection, *, message_id: int) -> None:
    """Hold a message's mailbox until the transaction ends: of two messages to it, the second sees the first."""
    fetch(connection, "delivery/lock_mailbox", message_id=message_id)


def enter_sending(
    source: Source,
    *,
    message_id: int,
    token: UUID,
    order_ids: Sequence[int],
    links_die_at: datetime | None,
    content_digest: str,
    dated_at: datetime,
    digests: str,
    lease_seconds: float,
    run_id: UUID | None,
    now: datetime,
) -> bool:
    """Enter `sending`, never twice; False where anything has changed: then the message is looked at again.

    Holds the mailbox until the transaction ends.
    """
    rows = fetch(
        source,
        "delivery/enter_sending",
        message_id=message_id,
        token=token,
        order_ids=order_ids,
        links_die_at=links_die_at,
        content_digest=content_digest,
        dated_at=dated_at,
        digests=digests,
        lease_seconds=lease_seconds,
        run_id=run_id,
        now=now,
    )
    return bool(rows)


def is_sending(source: Source, *, message_id: int, token: UUID, attempt: int) -> bool:
    """Return True if this very attempt at a message has entered `sending` under our token."""
    return bool(fetch(source, "delivery/is_sending", message_id=message_id, token=token, attempt=attempt))


# What became of a message; None: it is not ours any more


def record_delivery(
    source: Source,
    *,
    message_id: int,
    token: UUID,
    status: str,
    reason: str | None,
    error: str | None,
    next_attempt_at: datetime | None,
    attempt: int,
    outcome: DeliveryOutcome,
    phase: Phase,
    smtp_code: int | None,
    smtp_reply: str,
    run_id: UUID | None,
    now: datetime,
) -> str | None:
    """Record what became of a message that we hold, and the attempt beside it; return its new status.

    That is another than `status` where its campaign was stopped or it may have been delivered before. Of what would
    be queued again, the campaign is held until the transaction ends.
    """
    rows = fetch(
        source,
        "delivery/record_delivery",
        message_id=message_id,
        token=token,
        status=status,
        reason=reason,
        error=error,
        next_attempt_at=next_attempt_at,
        attempt=attempt,
        outcome=outcome.value,
        phase=phase.value,
        smtp_code=smtp_code,
        smtp_reply=smtp_reply,
        run_id=run_id,
        now=now,
    )
    return str(rows[0].status) if rows else None


def record_late_reply(
    source: Source,
    *,
    message_id: int,
    status: str,
    reason: str | None,
    error: str | None,
    attempt: int,
    outcome: DeliveryOutcome,
    phase: Phase,
    smtp_code: int | None,
    smtp_reply: str,
    run_id: UUID | None,
    now: datetime,
) -> str | None:
    """Record a definite reply that came after the message was called uncertain; return its new status.

    None where a person or another worker has settled it meanwhile.
    """
    rows = fetch(
        source,
        "delivery/record_late_reply",
        message_id=message_id,
        status=status,
        reason=reason,
        error=error,
        attempt=attempt,
        outcome=outcome.value,
        phase=phase.value,
        smtp_code=smtp_code,
        smtp_reply=smtp_reply,
        run_id=run_id,
        now=now,
    )
    return str(rows[0].status) if rows else None


def defer_message(
    source: Source,
    *,
    message_id: int,
    token: UUID,
    status: str,
    reason: str,
    error: str | None,
    next_attempt_at: datetime | None,
    now: datetime,
) -> str | None:
    """Skip a claimed message, fail it, or queue it for later, not on the mail server's word; return its new status."""
    rows = fetch(
        source,
        "delivery/defer_message",
        message_id=message_id,
        token=token,
        status=status,
        reason=reason,
        error=error,
        next_attempt_at=next_attempt_at,
        now=now,
    )
    return str(rows[0].status) if rows else None


# A new message in the place of an old one


def lock_sending_campaign(connection: Connection, *, campaign_id: int) -> bool:
    """Keep everybody else from changing a campaign's queue until the transaction ends; False: it is not being sent."""
    return bool(fetch(connection, "delivery/lock_sending_campaign", campaign_id=campaign_id))


def renew_message(
    connection: Connection,
    *,
    message_id: int,
    token: UUID,
    kind: str,
    mailbox: str,
    address: str,
    domain: str,
    lease_seconds: float,
    now: datetime,
) -> int | None:
    """Put a new message in the place of one that cannot be sent again unchanged; return its id, under the same lease.

    The transaction has to hold the campaign (lock_sending_campaign). None where the old one is not ours any more.
    """
    rows = fetch(
        connection,
        "delivery/renew_message",
        message_id=message_id,
        token=token,
        kind=kind,
        mailbox=mailbox,
        address=address,
        domain=domain,
        lease_seconds=lease_seconds,
        now=now,
    )
    return int(rows[0].id) if rows else None
