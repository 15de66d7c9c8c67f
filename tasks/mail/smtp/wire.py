"""A message as it goes over the wire: its commands and its bytes."""

import re
from dataclasses import dataclass

from tasks.mail.mime import needs_smtputf8
from tasks.mail.smtp.connection import Connection
from tasks.mail.smtp.timeouts import Timeouts
from tasks.mail.transport import Envelope, Phase

LONGEST_ADDRESS = 254
"""RFC 5321 section 4.5.3.1.3, less the angle brackets."""


@dataclass(frozen=True)
class Command:
    """A line to the server, the phase that it begins, and how many seconds to wait for the answer."""

    phase: Phase
    line: str
    seconds: float


def commands(connection: Connection, envelope: Envelope, size: int, timeouts: Timeouts) -> list[Command]:
    """Return what has to be said before the body, with what the server's extensions want to know."""
    options = f" SIZE={size}" if connection.offers("size") else ""
    if needs_smtputf8(envelope.recipient):
        options += " SMTPUTF8 BODY=8BITMIME"
    forget = [Command(Phase.MAIL, "RSET", timeouts.command)] if connection.unfinished else []
    return [
        *forget,
        Command(Phase.MAIL, f"MAIL FROM:<{envelope.sender}>{options}", timeouts.mail),
        Command(Phase.RCPT, f"RCPT TO:<{envelope.recipient}>", timeouts.rcpt),
        Command(Phase.DATA, "DATA", timeouts.data),
    ]


def misfit(connection: Connection, envelope: Envelope, size: int) -> str | None:
    """Say why this server cannot be given this message, before it is asked; None where it can."""
    if re.search(r"[\x00-\x20<>\x7f]|^$", envelope.recipient) or len(envelope.recipient.encode()) > LONGEST_ADDRESS:
        return "the address is not one that a mail server can be told"
    if needs_smtputf8(envelope.recipient) and not connection.offers("smtputf8"):
        return "the mail server does not take such addresses (SMTPUTF8)"
    limit = connection.size_limit
    if limit is not None and size > limit:
        return f"the message has {size} bytes, and the mail server takes {limit} at most (SIZE)"
    return None


def dot_stuffed(content: bytes) -> bytes:
    """Return a message as the wire wants it, but for its final dot (RFC 5321 section 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    stuffed = re.sub(rb"(?m)^\.", b"..", lines)
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"
