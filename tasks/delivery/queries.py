"""Every statement about messages on their way: sql/queries/delivery, a function each."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from tasks.core.database import Source, fetch


def claim_messages(
    source: Source, *, token: UUID, lease_seconds: object, now: datetime, ids: Sequence[int]
) -> Sequence[Row[Any]]:
    """Take up messages of a batch under a lease, each at most once among all workers; also those that a lost worker had claimed, since nothing of them was on the wire."""
    return fetch(source, "delivery/claim_messages", token=token, lease_seconds=lease_seconds, now=now, ids=ids)


def defer_message(
    source: Source,
    *,
    status: object,
    reason: str,
    error: object,
    next_attempt_at: datetime,
    now: datetime,
    message_id: int,
    token: UUID,
) -> Sequence[Row[Any]]:
    """Skip a claimed message, fail it, or queue it for later, for a reason that is not the mail server's."""
    return fetch(
        source,
        "delivery/defer_message",
        status=status,
        reason=reason,
        error=error,
        next_attempt_at=next_attempt_at,
        now=now,
        message_id=message_id,
        token=token,
    )


def enter_sending(
    source: Source,
    *,
    message_id: int,
    lease_seconds: object,
    links_die_at: datetime,
    content_digest: object,
    dated_at: datetime,
    now: datetime,
    token: UUID,
    order_ids: Sequence[int],
    digests: str,
    run_id: UUID | None,
) -> Sequence[Row[Any]]:
    """Enter `sending`: after the server's 354, before the first byte of the body, never twice."""
    return fetch(
        source,
        "delivery/enter_sending",
        message_id=message_id,
        lease_seconds=lease_seconds,
        links_die_at=links_die_at,
        content_digest=content_digest,
        dated_at=dated_at,
        now=now,
        token=token,
        order_ids=order_ids,
        digests=digests,
        run_id=run_id,
    )


def extend_claims(
    source: Source, *, lease_seconds: object, message_ids: Sequence[int], token: UUID, fresh_seconds: object
) -> Sequence[Row[Any]]:
    """Keep what a batch has claimed for another while, where a good part of the lease is over."""
    return fetch(
        source,
        "delivery/extend_claims",
        lease_seconds=lease_seconds,
        message_ids=message_ids,
        token=token,
        fresh_seconds=fresh_seconds,
    )


def is_sending(source: Source, *, message_id: int, token: UUID, attempt: object) -> Sequence[Row[Any]]:
    """Whether this very attempt at a message has entered `sending` under our token."""
    return fetch(source, "delivery/is_sending", message_id=message_id, token=token, attempt=attempt)


def lock_mailbox(source: Source, *, message_id: int) -> Sequence[Row[Any]]:
    """Hold a message's mailbox until the transaction ends: of two messages to it at one moment, the second sees the first."""
    return fetch(source, "delivery/lock_mailbox", message_id=message_id)


def lock_sending_campaign(source: Source, *, campaign_id: int) -> Sequence[Row[Any]]:
    """Hold a campaign that is being sent until the transaction ends, so that nobody else changes its queue."""
    return fetch(source, "delivery/lock_sending_campaign", campaign_id=campaign_id)


def read_claimed_messages(
    source: Source, *, digests: str, message_ids: Sequence[int], token: UUID
) -> Sequence[Row[Any]]:
    """Those of these claimed messages that are still ours."""
    return fetch(source, "delivery/read_claimed_messages", digests=digests, message_ids=message_ids, token=token)


def record_delivery(
    source: Source,
    *,
    status: object,
    message_id: int,
    reason: str,
    error: object,
    attempt: object,
    next_attempt_at: datetime,
    now: datetime,
    token: UUID,
    outcome: object,
    phase: object,
    smtp_code: int,
    smtp_reply: str,
    run_id: UUID,
) -> Sequence[Row[Any]]:
    """Record what became of a message that we hold, and the attempt beside it."""
    return fetch(
        source,
        "delivery/record_delivery",
        status=status,
        message_id=message_id,
        reason=reason,
        error=error,
        attempt=attempt,
        next_attempt_at=next_attempt_at,
        now=now,
        token=token,
        outcome=outcome,
        phase=phase,
        smtp_code=smtp_code,
        smtp_reply=smtp_reply,
        run_id=run_id,
    )


def record_late_reply(
    source: Source,
    *,
    status: object,
    reason: str,
    error: object,
    now: datetime,
    message_id: int,
    attempt: object,
    outcome: object,
    phase: object,
    smtp_code: int,
    smtp_reply: str,
    run_id: UUID,
) -> Sequence[Row[Any]]:
    """Record a definite reply that came after the message was called uncertain: it says what became of it after all."""
    return fetch(
        source,
        "delivery/record_late_reply",
        status=status,
        reason=reason,
        error=error,
        now=now,
        message_id=message_id,
        attempt=attempt,
        outcome=outcome,
        phase=phase,
        smtp_code=smtp_code,
        smtp_reply=smtp_reply,
        run_id=run_id,
    )


def record_links(
    source: Source,
    *,
    order_ids: Sequence[int],
    links: Sequence[str],
    details: Sequence[str],
    session_ids: Sequence[str],
    amounts: Sequence[Decimal],
    currencies: Sequence[str],
    links_expire_at: Sequence[datetime],
    checked_at: Sequence[datetime],
    campaign_id: int,
) -> Sequence[Row[Any]]:
    """Remember how orders' links stood when they were checked, and what the messages that carry them say."""
    return fetch(
        source,
        "delivery/record_links",
        order_ids=order_ids,
        links=links,
        details=details,
        session_ids=session_ids,
        amounts=amounts,
        currencies=currencies,
        links_expire_at=links_expire_at,
        checked_at=checked_at,
        campaign_id=campaign_id,
    )


def renew_message(
    source: Source,
    *,
    now: datetime,
    message_id: int,
    token: UUID,
    mailbox: object,
    kind: str,
    address: object,
    domain: object,
    lease_seconds: object,
) -> Sequence[Row[Any]]:
    """Put another message in the place of one that may have been delivered and cannot be sent again unchanged: it takes over its orders and its lease, under a Message-ID of its own."""
    return fetch(
        source,
        "delivery/renew_message",
        now=now,
        message_id=message_id,
        token=token,
        mailbox=mailbox,
        kind=kind,
        address=address,
        domain=domain,
        lease_seconds=lease_seconds,
    )


def return_claims(source: Source, *, now: datetime, message_ids: Sequence[int], token: UUID) -> Sequence[Row[Any]]:
    """Give back what a batch has claimed and not sent."""
    return fetch(source, "delivery/return_claims", now=now, message_ids=message_ids, token=token)
