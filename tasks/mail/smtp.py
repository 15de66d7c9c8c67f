"""Talks to the mail server: the only module that does. What became of a message is told by how far the talk came."""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from tasks.errors import ConfigurationError, TransientError
from tasks.mail.mime import needs_smtputf8
from tasks.settings import Settings, is_loopback

COMMAND_TIMEOUT_SECONDS = 300
"""RFC 5321 section 4.5.3.2: five minutes for MAIL and RCPT."""

CONNECT_TIMEOUT_SECONDS = 30

AUTHENTICATION_REQUIRED = 530
SERVICE_CLOSING = 421
GO_AHEAD = 354


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


class Mailer:
    """One connection to the mail server, opened when first needed and used again; close it when done."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None
        self._place = f"The mail server {settings.smtp.hostname}:{settings.smtp.port or 25} (SMTP_URL)"

    def check(self) -> None:
        """Raise unless the server can be reached, is encrypted where it must be, and takes our login."""
        self._connected()

    def deliver(self, envelope: Envelope, begin_body: Callable[[], bool]) -> Delivery:
        """Hand one message to the server; `begin_body` is asked after its 354, and False from it withdraws the message.

        Raises TransientError or ConfigurationError only where the conversation about this message has not begun.
        """
        talk = _Conversation(self._ready(), envelope)
        try:
            return talk.run(begin_body, self._settings.smtp_reply_timeout_seconds)
        except BaseException:
            talk.over = True
            raise
        finally:
            if talk.over:
                self._drop()

    def close(self) -> None:
        """Say goodbye, if there is somebody to say it to."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                self._smtp.close()
            self._smtp = None

    def _ready(self) -> smtplib.SMTP:
        """Return a connection that answers: one that has idled may have been closed by the server."""
        smtp = self._connected()
        try:
            if smtp.rset()[0] == 250:  # noqa: PLR2004  the reply of RFC 5321
                return smtp
        except (smtplib.SMTPException, OSError):
            pass
        self._drop()
        return self._connected()

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is None:
            with self._explained():
                self._smtp = self._connect()
        return self._smtp

    def _connect(self) -> smtplib.SMTP:
        host, port = self._settings.smtp.hostname or "", self._settings.smtp.port or 0
        context = ssl.create_default_context()
        if self._settings.smtp.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=CONNECT_TIMEOUT_SECONDS, context=context)
        else:
            smtp = smtplib.SMTP(host, port or 25, timeout=CONNECT_TIMEOUT_SECONDS)
        try:
            self._prepare(smtp, context, encrypted=self._settings.smtp.scheme == "smtps")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _prepare(self, smtp: smtplib.SMTP, context: ssl.SSLContext, *, encrypted: bool) -> None:
        smtp.ehlo_or_helo_if_needed()
        if not encrypted and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        elif not encrypted and not is_loopback(self._settings.smtp.hostname):
            raise ConfigurationError(f"{self._place} offers no TLS: use one that does, or smtps:// in SMTP_URL")
        if self._settings.smtp_login:
            smtp.login(*self._settings.smtp_login)
        if smtp.sock is not None:
            smtp.sock.settimeout(COMMAND_TIMEOUT_SECONDS)
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:  # noqa: PLR2004  RFC 4954, 6: the server cannot check just now
                raise TransientError(f"{self._place} cannot check our login now: {_words(error.smtp_error)}") from error
            raise ConfigurationError(
                f"{self._place} refuses the user name or password: {_words(error.smtp_error)}"
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            raise ConfigurationError(f"{self._place} cannot do what SMTP_URL asks for: {error}") from error
        except ssl.SSLError as error:
            raise ConfigurationError(f"{self._place} has no valid TLS certificate: {error.reason or error}") from error
        except smtplib.SMTPResponseException as error:
            raise TransientError(
                f"{self._place} turns us away: {error.smtp_code} {_words(error.smtp_error)}"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise TransientError(f"{self._place} cannot be reached: {error}") from error

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


class _Conversation:
    """One message's talk with the server; `over` says that the connection cannot be used for another."""

    def __init__(self, smtp: smtplib.SMTP, envelope: Envelope) -> None:
        self.smtp = smtp
        self.envelope = envelope
        self.phase = Phase.MAIL
        self.over = False

    def run(self, begin_body: Callable[[], bool], reply_timeout: float) -> Delivery:
        refusal = self._introduce()
        if refusal is not None:
            return refusal
        if not begin_body():
            self.over = True  # a lone dot would deliver an empty message: only hanging up takes a DATA back
            return Delivery(DeliveryOutcome.WITHDRAWN, self.phase)
        return self._hand_over(reply_timeout)

    def _introduce(self) -> Delivery | None:
        """Say MAIL, RCPT and DATA; None where the server then waits for the body."""
        try:
            options = ["SMTPUTF8", "BODY=8BITMIME"] if needs_smtputf8(self.envelope.recipient) else []
            if options and not self.smtp.has_extn("smtputf8"):
                return Delivery(
                    DeliveryOutcome.FAILED, self.phase, reply="the mail server does not take such addresses (SMTPUTF8)"
                )
            self.smtp.command_encoding = "utf-8" if options else "ascii"
            refusal = self._judge(self.smtp.mail(self.envelope.sender, options))
            if refusal is None:
                self.phase = Phase.RCPT
                refusal = self._judge(self.smtp.rcpt(self.envelope.recipient))
            if refusal is None:
                self.phase = Phase.DATA
                refusal = self._judge(self.smtp.docmd("DATA"), wanted=GO_AHEAD)
        except (smtplib.SMTPException, OSError) as error:
            return self._lost(DeliveryOutcome.DEFERRED, error)
        return refusal

    def _hand_over(self, reply_timeout: float) -> Delivery:
        """Send the body and, apart from it, the final dot: what is lost before the dot was surely not taken."""
        self.phase = Phase.BODY
        try:
            self.smtp.send(dot_stuffed(self.envelope.content))
        except (smtplib.SMTPException, OSError) as error:
            return self._lost(DeliveryOutcome.DEFERRED, error)
        self.phase = Phase.AFTER_DOT
        try:
            if self.smtp.sock is not None:
                self.smtp.sock.settimeout(reply_timeout)
            self.smtp.send(b".\r\n")
            refusal = self._judge(self.smtp.getreply())
        except (smtplib.SMTPException, OSError) as error:
            return self._lost(DeliveryOutcome.UNCERTAIN, error)
        if self.smtp.sock is not None:
            self.smtp.sock.settimeout(COMMAND_TIMEOUT_SECONDS)
        return refusal or Delivery(DeliveryOutcome.SENT, self.phase, self.code, self.reply)

    def _judge(self, answer: tuple[int, bytes], *, wanted: int | None = None) -> Delivery | None:
        """Return nothing where the server agrees, else what its code means for this message."""
        self.code, self.reply = answer[0], _words(answer[1])
        if self.code == wanted or (wanted is None and 200 <= self.code < 300):  # noqa: PLR2004  RFC 5321, 4.2.1
            return None
        if self.code == AUTHENTICATION_REQUIRED:
            self.over = True
            raise ConfigurationError(f"The mail server wants a user name and password in SMTP_URL: {self.reply}")
        self.over = self.code == SERVICE_CLOSING or not 400 <= self.code < 600  # noqa: PLR2004
        permanent = 500 <= self.code < 600  # noqa: PLR2004
        outcome = DeliveryOutcome.FAILED if permanent else DeliveryOutcome.DEFERRED
        if self.phase is Phase.AFTER_DOT and not 400 <= self.code < 600:  # noqa: PLR2004
            outcome = DeliveryOutcome.UNCERTAIN
        return Delivery(outcome, self.phase, self.code, self.reply)

    def _lost(self, outcome: DeliveryOutcome, error: Exception) -> Delivery:
        self.over = True
        return Delivery(outcome, self.phase, reply=f"connection lost: {error}")


def dot_stuffed(content: bytes) -> bytes:
    """Return a message as the wire wants it, but for its final dot (RFC 5321 section 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    stuffed = re.sub(rb"(?m)^\.", b"..", lines)
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def _words(reply: bytes | str) -> str:
    """Return a server's reply as one line of text that a ledger can hold."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())[:500]
