"""Settle by the mail server's log what a restore from a backup left uncertain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tasks.database import fetch
from tasks.errors import ConfigurationError
from tasks.mail_log import taken_messages
from tasks.operators import Chosen
from tasks.services import Services


@dataclass(frozen=True)
class Settled:
    """How many Message-IDs the log has, and what became of the ledger's messages."""

    in_log: int
    sent: int
    put_back: int
    left: int
    """How many are uncertain for the restore still."""


def settle_after_restore(
    services: Services, logs: Sequence[bytes], *, by: str, rest_was_not_sent: bool, count: int
) -> Settled:
    """Call sent what the logs have, and let messages be sent again; what they have is never sent, forgotten or not.

    A person who knows that the logs are whole, or that nothing was sent, can have the rest, `count` messages, queued as
    the backup had it; else it stays uncertain. Raises ConfigurationError, with nothing done,
    for logs without any message of ours, for another count, without a name, and where there is nothing to settle.
    """
    taken = set().union(*map(taken_messages, logs))
    if not by.strip():
        raise ConfigurationError("Your name is missing: it is kept beside what is settled, nothing was done")
    if logs and not taken:
        raise ConfigurationError(
            "There is no message of ours in this log: give the one of the mail server of SMTP_URL, from the backup on. "
            "Nothing was done"
        )
    now = services.clock()
    with services.database.transaction() as connection:
        fetch(connection, "note_mail_log", message_ids=sorted(taken), now=now)
        found = Chosen(connection, fetch(connection, "messages_in_log", campaign_id=None), by, now)
        found.mark_sent("found_in_log")
        held = Chosen(connection, fetch(connection, "messages_held"), by, now)
        if rest_was_not_sent:
            _put_back(held, count)
        _open_again(connection, by.strip(), now, anew=bool(taken))
    back = len(held.rows) if rest_was_not_sent else 0
    return Settled(len(taken), len(found.rows), back, len(held.rows) - back)


def settled_words(settled: Settled) -> str:
    """Say in a line what became of what was held."""
    said = (
        f"{settled.in_log} of our messages are in the log; {settled.sent} called sent, {settled.put_back} queued again"
    )
    return f"{said}; {settled.left} uncertain: decide about each in settle-uncertain" if settled.left else said


def _put_back(held: Chosen, count: int) -> None:
    if count != len(held.rows):
        raise ConfigurationError(
            f"{len(held.rows)} messages are held and not in the log, not {count}: look at them again, nothing was done"
        )
    if held.rows:
        held.put_back()


def _open_again(connection: Connection, by: str, now: datetime, *, anew: bool) -> None:
    """Let messages be sent; another log may be read later, but nothing at all needs something to settle."""
    if not fetch(connection, "settle_restore", by_whom=by, now=now) and not anew:
        raise ConfigurationError("There is no restore to settle: run hold-after-restore first. Nothing was done")
