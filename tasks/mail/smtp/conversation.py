"""One message's talk with the mail server. What became of it is told by how far the talk came, and by nothing else."""

from collections.abc import Callable, Iterator, Sequence

from tasks.core.email_address import mask_in
from tasks.core.errors import ConfigurationError
from tasks.mail.mime import needs_smtputf8
from tasks.mail.smtp.connection import Connection, LostConnectionError
from tasks.mail.smtp.reply import AUTHENTICATION_REQUIRED, GO_AHEAD, Reply
from tasks.mail.smtp.timeouts import Timeouts
from tasks.mail.smtp.wire import Command, commands, dot_stuffed, misfit
from tasks.mail.suppressions import enhanced_status
from tasks.mail.transport import Delivery, DeliveryOutcome, Envelope, Phase

LAST_WORDS_SECONDS = 2

ABOUT_THIS_MESSAGE = (552, 555)
"""Refusals of MAIL that are about the message's size or options; the others are about the sender, who is always us."""

ABOUT_THIS_SIZE = ("5.2.3", "5.3.4")
"""The same, as enhanced status codes: more than the mailbox, or the server, takes in one message."""


class Conversation:
    """One message's talk, over a connection that is in the middle of no other's.

    Where the connection can serve another message afterwards it is left open, else it is closed.
    """

    def __init__(self, connection: Connection, envelope: Envelope, timeouts: Timeouts) -> None:
        self.connection = connection
        self.envelope = envelope
        self.timeouts = timeouts
        self.phase = Phase.MAIL

    def run(self, begin_body: Callable[[], bool]) -> Delivery:
        """Deliver; `begin_body` is asked after the server's 354, and False from it withdraws the message.

        Raises ConfigurationError where the server would say the same to every message of ours; this one was not begun.
        """
        wire = dot_stuffed(self.envelope.content)
        unfit = misfit(self.connection, self.envelope, len(wire))
        if unfit:
            return Delivery(DeliveryOutcome.FAILED, self.phase, reply=unfit)
        self.connection.messages += 1
        try:
            refusal = self._introduce(commands(self.connection, self.envelope, len(wire), self.timeouts))
        except LostConnectionError as error:
            self.connection.hang_up()
            return Delivery(DeliveryOutcome.DEFERRED, self.phase, reply=str(error))
        if refusal is not None:
            return refusal
        if not begin_body():
            self.connection.hang_up()  # a lone dot would deliver an empty message: only this takes a DATA back
            return Delivery(DeliveryOutcome.WITHDRAWN, self.phase)
        return self._hand_over(wire)

    def _introduce(self, lines: Sequence[Command]) -> Delivery | None:
        """Say MAIL, RCPT and DATA; None where the server then waits for the body."""
        refusal, go_ahead = None, False
        try:
            for reply in self._ask(lines):
                go_ahead = reply.code == GO_AHEAD
                refusal = refusal or self._judge(reply)
                if refusal and not (self._pipelines() and self.connection.is_open):
                    return refusal
        except LostConnectionError:
            if refusal is None:
                raise
            return refusal  # that the server then hangs up as well changes nothing
        if refusal and go_ahead:
            self._take_back(refusal)
        return refusal

    def _ask(self, lines: Sequence[Command]) -> Iterator[Reply]:
        """Yield the reply to each command; where the server offers PIPELINING (RFC 2920) all are sent in one go."""
        self.connection.unfinished = True
        if self._pipelines():
            self._say("".join(f"{command.line}\r\n" for command in lines))
        for command in lines:
            self.phase = command.phase
            if not self._pipelines():
                self._say(f"{command.line}\r\n")
            reply = self.connection.reply(command.seconds)
            if command.line != "RSET":
                yield reply
            elif not reply.accepts:
                raise LostConnectionError(f"connection given up: {reply.code} {reply.text} to RSET")

    def _judge(self, reply: Reply) -> Delivery | None:
        """Return nothing where the server agrees, else what its answer before the body means for this message."""
        agreed = reply.code == GO_AHEAD if self.phase is Phase.DATA else reply.accepts
        if agreed:
            return None
        self._raise_if_about_us(reply)
        if reply.ends_the_connection or reply.accepts:
            self.connection.hang_up()
        return self._said(DeliveryOutcome.FAILED if reply.refuses else DeliveryOutcome.DEFERRED, reply)

    def _raise_if_about_us(self, reply: Reply) -> None:
        advice = None
        if reply.code == AUTHENTICATION_REQUIRED:
            advice = "The mail server wants a user name and password in SMTP_URL"
        elif self.phase is Phase.MAIL and reply.refuses and not self._is_about_this_message(reply):
            advice = "The mail server takes no mail from the address in MAIL_FROM: use one that it sends for"
        if advice:
            self.connection.hang_up()
            raise ConfigurationError(f"{advice}: {reply.code} {mask_in(reply.text)}")

    def _is_about_this_message(self, reply: Reply) -> bool:
        """Return True if a refusal of MAIL may be for what only this message asks for; SMTPUTF8 is (RFC 6531, 3.5)."""
        if reply.code in ABOUT_THIS_MESSAGE or needs_smtputf8(self.envelope.recipient):
            return True
        return enhanced_status(reply.text) in ABOUT_THIS_SIZE

    def _take_back(self, refusal: Delivery) -> None:
        """End a DATA that the server has agreed to although it had refused what came before it.

        With the recipient refused, a lone dot ends it and the connection goes on (RFC 2920, 3.1). It has nobody to go
        to, so that the answer, mostly a 554, says nothing about the message. With the sender refused, the server is not
        to be trusted with a dot.
        """
        if refusal.phase is not Phase.RCPT:
            self.connection.hang_up()
            return
        try:
            self._say(".\r\n")
            answer = self.connection.reply(self.timeouts.data)
        except LostConnectionError:
            self.connection.hang_up()
            return
        if answer.ends_the_connection:
            self.connection.hang_up()

    def _hand_over(self, wire: bytes) -> Delivery:
        """Send the body and, apart from it, the final dot: what is lost before the dot was surely not taken."""
        self.phase = Phase.BODY
        try:
            self.connection.send(wire, self.timeouts.body)
        except LostConnectionError as error:
            return self._cut_short(error)
        self.phase = Phase.AFTER_DOT
        try:
            self._say(".\r\n")
            reply = self.connection.reply(self.timeouts.reply)
        except LostConnectionError as error:
            self.connection.hang_up()
            return Delivery(DeliveryOutcome.UNCERTAIN, self.phase, reply=str(error))
        return self._last_word(reply)

    def _cut_short(self, error: LostConnectionError) -> Delivery:
        """Look whether the server has said why it does not take the body: it may have refused it for good."""
        try:
            reply = self.connection.reply(LAST_WORDS_SECONDS)
        except LostConnectionError:
            reply = None
        self.connection.hang_up()
        if reply is None or not (reply.puts_off or reply.refuses):
            return Delivery(DeliveryOutcome.DEFERRED, self.phase, reply=str(error))
        return self._said(DeliveryOutcome.FAILED if reply.refuses else DeliveryOutcome.DEFERRED, reply)

    def _last_word(self, reply: Reply) -> Delivery:
        if reply.accepts:
            self.connection.unfinished = False
            return self._said(DeliveryOutcome.SENT, reply)
        if reply.ends_the_connection:
            self.connection.hang_up()
        if reply.puts_off or reply.code == AUTHENTICATION_REQUIRED:
            return self._said(DeliveryOutcome.DEFERRED, reply)
        return self._said(DeliveryOutcome.FAILED if reply.refuses else DeliveryOutcome.UNCERTAIN, reply)

    def _pipelines(self) -> bool:
        return self.connection.offers("pipelining")

    def _say(self, line: str) -> None:
        self.connection.send(line.encode(), self.timeouts.command)

    def _said(self, outcome: DeliveryOutcome, reply: Reply) -> Delivery:
        return Delivery(outcome, self.phase, reply.code, reply.text)
