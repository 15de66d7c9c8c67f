"""Every statement about limits and suppressed mailboxes: sql/queries/mail, a function each."""

from datetime import datetime

from sqlalchemy import Connection

from tasks.core.database import Source, fetch


def add_suppression(
    source: Source, *, mailbox: str, address: str, reason: str, origin: str, since: datetime, by_whom: str
) -> bool:
    """Put a mailbox on the suppression list; False where it stands there already."""
    rows = fetch(
        source,
        "mail/add_suppression",
        mailbox=mailbox,
        address=address,
        reason=reason,
        origin=origin,
        since=since,
        by_whom=by_whom,
    )
    return bool(rows)


def find_next_sending(source: Source, *, per_hour: int | None, per_day: int | None, now: datetime) -> datetime | None:
    """Return when another message may go out under the limits, after those that wait for them already; None: now."""
    (row,) = fetch(source, "mail/find_next_sending", per_hour=per_hour, per_day=per_day, now=now)
    due: datetime | None = row.due
    return due


def lock_quota(connection: Connection) -> None:
    """Keep everybody else from looking at the limits and using them, until the transaction ends."""
    fetch(connection, "mail/lock_quota")
