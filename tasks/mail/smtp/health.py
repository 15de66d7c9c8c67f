"""Tells a mail server that is in trouble from a message that is, by what became of those before it."""

import re

from tasks.core.email_address import mask_in
from tasks.core.errors import ConfigurationError, TransientError
from tasks.mail.smtp.reply import AUTHENTICATION_REQUIRED, SERVICE_CLOSING
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase

TROUBLES = 3
"""After so many messages in a row that the server as a whole stood in the way of, or left uncertain, the rest wait."""

DEFERRALS = 10
"""After so many in a row that it deferred, each by itself, the rest wait as well: it says so to everybody."""

POLICY_REFUSALS = 3
"""After so many in a row that it refused for reasons of policy it is us that it refuses."""

_POLICY = re.compile(r"5\.7\.\d|relay", re.IGNORECASE)
"""RFC 3463's class for security and policy, and the word of the servers that name no class."""


class ServerHealth:
    """What became of the last messages, as far as it speaks about the server or about us."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._in_a_row = {"trouble": 0, "deferred": 0, "policy": 0}
        self._last = ""
        self._wants_login = False

    def note(self, delivery: Delivery) -> None:
        """Take into account what became of a message."""
        if delivery.outcome is DeliveryOutcome.WITHDRAWN:
            return  # by ourselves
        self._in_a_row = {
            "trouble": self._in_a_row["trouble"] + 1 if _is_trouble(delivery) else 0,
            "deferred": self._in_a_row["deferred"] + 1 if delivery.outcome is DeliveryOutcome.DEFERRED else 0,
            "policy": self._in_a_row["policy"] + 1 if _is_policy(delivery) else 0,
        }
        self._last = f"{delivery.code or ''} {mask_in(delivery.reply)}".strip()
        self._wants_login = delivery.code == AUTHENTICATION_REQUIRED

    def check(self) -> None:
        """Raise where another message would fare no better; it is not begun then, and costs no attempt.

        Raises TransientError where the server is in trouble, ConfigurationError where it refuses us.
        """
        if self._wants_login:
            raise ConfigurationError(f"The mail server wants a user name and password in SMTP_URL: {self._last}")
        if self._in_a_row["policy"] >= POLICY_REFUSALS:
            raise ConfigurationError(
                f"{self._place} refused {POLICY_REFUSALS} messages in a row for reasons of its policy ({self._last}): "
                "check the user name in SMTP_URL and the address in MAIL_FROM, then retry what has failed"
            )
        for kind, most in (("trouble", TROUBLES), ("deferred", DEFERRALS)):
            if self._in_a_row[kind] >= most:
                raise TransientError(
                    f"{self._place} took none of the last {most} messages, so the rest wait: {self._last}"
                )


def _is_trouble(delivery: Delivery) -> bool:
    """Return True if the server as a whole stood in the way: it was lost, is closing, or took no MAIL from us."""
    if delivery.outcome is DeliveryOutcome.DEFERRED:
        return delivery.phase is Phase.MAIL or delivery.code in {None, SERVICE_CLOSING}
    return delivery.outcome is DeliveryOutcome.UNCERTAIN


def _is_policy(delivery: Delivery) -> bool:
    return delivery.outcome is DeliveryOutcome.FAILED and bool(_POLICY.search(delivery.reply))
