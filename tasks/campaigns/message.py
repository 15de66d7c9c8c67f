"""A message as it is owed or skipped, as a worker has it in hand, and as it is about to go out: values only."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.links.model import LinkResult
from tasks.mail.transport import Envelope

RENEWED_LINK = "renewed_link"
"""The kind of a message that takes the place of an uncertain one."""


@dataclass(frozen=True)
class Owed:
    """A message that is owed now: to whom, and about which orders."""

    id: int
    kind: str
    parent_id: int
    mailbox: str
    address: str
    awaits_approval: bool
    shares_mailbox: bool
    order_ids: Sequence[int]


@dataclass(frozen=True)
class Skipped:
    """Somebody who gets no message, and the ledger's word for why; the address as stored."""

    parent_id: int
    address: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Message:
    """A claimed message and the orders that it is about."""

    id: int
    kind: str
    mailbox: str
    address: str
    message_id: str
    attempts: int
    attempts_before: int
    """Those made before a person last sent it on its way: they do not count against the most attempts."""
    maybe_delivered: bool
    """It was uncertain and a person sends it again: under its Message-ID only the bytes of then may go out."""
    content_digest: str | None
    dated_at: datetime | None
    """What its bytes were, and their Date, when it was last on the wire."""
    suppressed: bool
    approved: bool
    """Whether, where its campaign requires an approval, one covers each of its orders that somebody may owe."""
    order_ids: Sequence[int]


@dataclass(frozen=True)
class Draft:
    """A message as it is about to go out: its bytes, the Date in them, and the links that can be paid."""

    envelope: Envelope
    dated_at: datetime
    links: Sequence[LinkResult]

    @property
    def digest(self) -> str:
        """The SHA-256 of its bytes, in hexadecimal."""
        return hashlib.sha256(self.envelope.content).hexdigest()

    @property
    def links_die_at(self) -> datetime | None:
        """When the first of its links dies."""
        return min((link.expires_at for link in self.links if link.expires_at), default=None)

    def carries(self, links: Sequence[LinkResult]) -> bool:
        """Return True if the links are, at another look at Stripe, those that it was written with."""
        return [_written(link) for link in links] == [_written(link) for link in self.links]


def _written(link: LinkResult) -> tuple[object, ...]:
    return link.order_id, link.session_id, link.url, link.amount, link.currency, link.expires_at
