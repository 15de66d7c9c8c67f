"""A message on its way to the mail server, and what became of it there: values, as the ledger keeps them."""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """How far a conversation came."""

    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    AFTER_DOT = "after the dot"


class DeliveryOutcome(StrEnum):
    """What became of a message."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Delivery:
    """What became of a message, how far it came, and the server's own words."""

    outcome: DeliveryOutcome
    phase: Phase
    code: int | None = None
    reply: str = ""


@dataclass(frozen=True)
class Envelope:
    """Who sends a message to whom, and its bytes with CRLF line ends."""

    sender: str
    recipient: str
    content: bytes
