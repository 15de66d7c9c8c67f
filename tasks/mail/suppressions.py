"""Mailboxes that are not mailed any more, and which replies and returned messages put one on the list."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tasks.mail import queries

NO_SUCH_MAILBOX = frozenset({"5.1.1", "5.1.6", "5.1.10", "5.2.1"})
"""The enhanced status codes (RFC 3463, RFC 7505) that say that the mailbox itself takes no mail, for good.

It does not exist (5.1.1), has moved without forwarding (5.1.6), its domain takes no mail (5.1.10), or it is disabled
(5.2.1). No other 5xx suppresses: 5.1.2 and 5.4.x can be a name server's one wrong answer about everybody at a domain,
5.2.2 is a full mailbox, 5.7.x is about us or our text, and a bare 550 says nothing about the mailbox."""

PIPELINE = "pipeline"
"""Who suppressed a mailbox, where no person did."""


@dataclass(frozen=True)
class Suppression:
    """A mailbox that is not to be mailed: folded, as stored, why, by what way it came on the list, and by whom."""

    mailbox: str
    address: str
    reason: str
    source: str
    by_whom: str

    def add(self, connection: Connection, since: datetime) -> bool:
        """Put it on the list; False where the mailbox stands there already."""
        return queries.add_suppression(
            connection,
            mailbox=self.mailbox,
            address=self.address,
            reason=self.reason,
            origin=self.source,
            by_whom=self.by_whom,
            since=since,
        )


def enhanced_status(reply: str) -> str | None:
    """Return the enhanced status code (RFC 2034) that a mail server's reply begins with, such as 5.1.1."""
    found = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\S)", reply)
    return found[1] if found else None
