"""Which of our messages the mail server has taken, by its own log: for a ledger that has forgotten what was sent."""

import re

OURS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}@[\w.-]*\w", re.ASCII)
"""What our Message-IDs look like, with or without their brackets."""

_SEEN = re.compile(r"\bpostfix\S*: (?P<queue_id>\w+): message-id=", re.ASCII)
_TAKEN = re.compile(r"\bpostfix\S*: (?P<queue_id>\w+): from=<.*\(queue active\)", re.ASCII)
"""Postfix writes down the Message-ID as soon as it reads it, and only here that it has taken the message."""


def taken_messages(log: bytes) -> set[str]:
    """Return the Message-IDs of ours that a log has of messages that were taken, in angle brackets.

    Of Postfix's own lines, one counts where another line says that the message of its queue id was taken. Of any other
    log or list, such as Exim's or a provider's export, each counts: it has to be one of messages that were taken.
    """
    lines = log.decode("utf-8", errors="replace").splitlines()
    taken = {found["queue_id"] for line in lines if (found := _TAKEN.search(line))}
    return {
        f"<{message_id}>"
        for line in lines
        if (seen := _SEEN.search(line)) is None or seen["queue_id"] in taken
        for message_id in OURS.findall(line)
    }
