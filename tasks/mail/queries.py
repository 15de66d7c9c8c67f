"""Every statement about limits and suppressed mailboxes: sql/queries/mail, a function each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from tasks.core.database import Source, fetch


def add_suppression(
    source: Source, *, mailbox: object, address: object, reason: str, origin: str, since: datetime, by_whom: str
) -> Sequence[Row[Any]]:
    """Put a mailbox on the suppression list, once."""
    return fetch(
        source,
        "mail/add_suppression",
        mailbox=mailbox,
        address=address,
        reason=reason,
        origin=origin,
        since=since,
        by_whom=by_whom,
    )


def find_next_sending(source: Source, *, per_hour: int, per_day: int, now: datetime) -> Sequence[Row[Any]]:
    """When another message may go out under the limits an hour and a day, after those that wait for them already."""
    return fetch(source, "mail/find_next_sending", per_hour=per_hour, per_day=per_day, now=now)


def lock_quota(source: Source) -> Sequence[Row[Any]]:
    """Let one worker at a time look at the limits and use them, until its transaction ends."""
    return fetch(source, "mail/lock_quota")
