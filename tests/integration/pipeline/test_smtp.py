"""The mail server as a script plays it: what became of a message is told by how far the talk came."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from tasks.errors import ConfigurationError, TransientError
from tasks.mail.smtp import Delivery, DeliveryOutcome, Envelope, Mailer, Phase
from tasks.settings import Settings

CONTENT = b"Subject: fees\r\n\r\n.a line with a dot\r\n..two\r\n.\r\nS\xc3\xad\r\n"
ENVELOPE = Envelope("fees@example.org", "jo.ek@example.com", CONTENT)
Reaction = str
"""A reply, or one of these:"""
DROP, HANG = "drop", "hang"


@dataclass
class Script:
    """What the server says to which command; what is not named goes well. A list gives one answer a time."""

    says: dict[str, list[Reaction]] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8")
    heard: list[str] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    cut: list[bytes] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, command: str, usual: str) -> Reaction:
        answers = self.says.get(command, [])
        return answers.pop(0) if answers else usual


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    script: Script

    def handle(self) -> None:
        self.script.connections += 1
        if not self.react(self.script.answer("connect", "220 ready")):
            return
        while line := self.rfile.readline():
            verb = line.split()[0].decode().upper() if line.split() else ""
            self.script.heard.append(" ".join([verb, *line.decode().split()[1:]]))
            if not self.obey(verb):
                return

    def obey(self, verb: str) -> bool:
        if verb == "EHLO":
            lines = ["scripted", *self.script.extensions]
            text = "\r\n".join(f"250{'-' if n < len(lines) - 1 else ' '}{line}" for n, line in enumerate(lines))
            return self.react(self.script.answer("EHLO", text))
        if verb == "QUIT":
            self.react("221 bye")
            return False
        if verb != "DATA":
            return self.react(self.script.answer(verb, "250 ok"))
        go_ahead = self.script.answer("DATA", "354 go on")
        if not self.react(go_ahead):
            return False
        return not go_ahead.startswith("354") or self.take_body()

    def take_body(self) -> bool:
        lines: list[bytes] = []
        self.connection.settimeout(10)
        while (line := self.next_line()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        if line == b"":
            self.script.cut.append(b"".join(lines))
            return False
        reply = self.script.answer("dot", "250 2.0.0 taken")
        if reply.startswith("250"):
            self.script.stored.append(b"".join(lines))
        return self.react(reply)

    def next_line(self) -> bytes:
        """Read a line, or nothing where the client has gone or is silent."""
        try:
            return self.rfile.readline()
        except OSError:
            return b""

    def react(self, reply: Reaction) -> bool:
        if reply == HANG:
            self.script.over.wait(10)
            reply = "250 2.0.0 taken, after a long time"
        if reply == DROP:
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        self.wfile.write(reply.encode() + b"\r\n")
        return not reply.startswith("421")


class Server(socketserver.ThreadingTCPServer):
    """Answers on a free port."""

    daemon_threads = True


@contextmanager
def server(script: Script) -> Iterator[int]:
    handler = type("ScriptedTalk", (Talk,), {"script": script})
    with Server(("127.0.0.1", 0), handler) as tcp:
        thread = threading.Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(tcp.server_address[1])
        finally:
            script.over.set()
            tcp.shutdown()
            thread.join()


def settings(url: str, reply_timeout: float = 20) -> Settings:
    return Settings(
        _env_file=None,
        database_url=SecretStr("postgresql://127.0.0.1/nowhere"),
        stripe_api_key=SecretStr("sk_test_invented_key_of_the_tests"),
        checkout_success_url="https://club.example.org/paid",
        smtp_url=SecretStr(url),
        smtp_reply_timeout_seconds=reply_timeout,
        mail_from="fees@example.org",
    )


@contextmanager
def mailer_to(
    script: Script, *, reply_timeout: float = 20, login: str = "", host: str = "127.0.0.1"
) -> Iterator[Mailer]:
    with server(script) as port:
        mailer = Mailer(settings(f"smtp://{login}{host}:{port}", reply_timeout))
        try:
            yield mailer
        finally:
            mailer.close()


def yes() -> bool:
    return True


def deliver(script: Script, *, reply_timeout: float = 20, begin_body: Callable[[], bool] = yes) -> Delivery:
    with mailer_to(script, reply_timeout=reply_timeout) as mailer:
        return mailer.deliver(ENVELOPE, begin_body)


def script(command: str, *answers: Reaction) -> Script:
    return Script({command: list(answers)})


def test_a_message_is_stored_byte_for_byte() -> None:
    taken = Script()
    delivery = deliver(taken)
    assert delivery == Delivery(DeliveryOutcome.SENT, Phase.AFTER_DOT, 250, "2.0.0 taken")
    assert taken.stored == [CONTENT]
    assert [line for line in taken.heard if line.startswith(("MAIL", "RCPT"))] == [
        "MAIL FROM:<fees@example.org>",
        "RCPT TO:<jo.ek@example.com>",
    ]


TABLE = [
    # the server's answer to the command, and what became of the message
    ("MAIL", "451 later", DeliveryOutcome.DEFERRED, Phase.MAIL, 451),
    ("MAIL", "550 no", DeliveryOutcome.FAILED, Phase.MAIL, 550),
    ("MAIL", "421 closing", DeliveryOutcome.DEFERRED, Phase.MAIL, 421),
    ("MAIL", DROP, DeliveryOutcome.DEFERRED, Phase.MAIL, None),
    ("RCPT", "450 4.2.1 busy", DeliveryOutcome.DEFERRED, Phase.RCPT, 450),
    ("RCPT", "550 5.1.1 no such user", DeliveryOutcome.FAILED, Phase.RCPT, 550),
    ("RCPT", "421 closing", DeliveryOutcome.DEFERRED, Phase.RCPT, 421),
    ("RCPT", DROP, DeliveryOutcome.DEFERRED, Phase.RCPT, None),
    ("DATA", "451 later", DeliveryOutcome.DEFERRED, Phase.DATA, 451),
    ("DATA", "554 no", DeliveryOutcome.FAILED, Phase.DATA, 554),
    ("DATA", "421 closing", DeliveryOutcome.DEFERRED, Phase.DATA, 421),
    ("DATA", "250 what?", DeliveryOutcome.DEFERRED, Phase.DATA, 250),
    ("DATA", DROP, DeliveryOutcome.DEFERRED, Phase.DATA, None),
    ("dot", "451 4.3.0 later", DeliveryOutcome.DEFERRED, Phase.AFTER_DOT, 451),
    ("dot", "552 too big", DeliveryOutcome.FAILED, Phase.AFTER_DOT, 552),
    ("dot", "421 closing", DeliveryOutcome.DEFERRED, Phase.AFTER_DOT, 421),
    ("dot", DROP, DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, None),
    ("dot", HANG, DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, None),
    ("dot", "what?", DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, -1),
    ("dot", "354 go on", DeliveryOutcome.UNCERTAIN, Phase.AFTER_DOT, 354),
]


@pytest.mark.parametrize(
    ("command", "answer", "outcome", "phase", "code"), TABLE, ids=[f"{row[0]} {row[1]}" for row in TABLE]
)
def test_what_became_of_a_message(
    command: str, answer: Reaction, outcome: DeliveryOutcome, phase: Phase, code: int | None
) -> None:
    played = script(command, answer)
    delivery = deliver(played, reply_timeout=0.3 if answer == HANG else 20)
    assert (delivery.outcome, delivery.phase, delivery.code) == (outcome, phase, code)
    assert delivery.reply
    assert played.stored == []


@pytest.mark.parametrize(("command", "answer"), [row[:2] for row in TABLE], ids=[f"{r[0]} {r[1]}" for r in TABLE])
def test_the_next_message_goes_out_whatever_became_of_the_last(command: str, answer: Reaction) -> None:
    played = script(command, answer)
    with mailer_to(played, reply_timeout=0.3 if answer == HANG else 20) as mailer:
        mailer.deliver(ENVELOPE, yes)
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert played.stored == [CONTENT]


def test_the_servers_words_are_kept_as_one_line() -> None:
    delivery = deliver(script("RCPT", "550-5.1.1 no such\r\n550 5.1.1 user\there"))
    assert delivery.reply == "5.1.1 no such 5.1.1 user here"


def test_one_connection_serves_several_messages() -> None:
    played = script("RCPT", "550 no", "250 ok", "450 later")
    with mailer_to(played) as mailer:
        outcomes = [mailer.deliver(ENVELOPE, yes).outcome.value for _ in range(4)]
    assert outcomes == ["failed", "sent", "deferred", "sent"]
    assert played.connections == 1
    assert played.heard[-1] == "QUIT"


def test_a_connection_that_the_server_closed_while_idle_is_opened_again() -> None:
    played = script("RSET", "250 ok", "421 idle too long")
    with mailer_to(played) as mailer:
        assert [mailer.deliver(ENVELOPE, yes).outcome.value for _ in range(2)] == ["sent", "sent"]
    assert played.connections == 2


def test_a_message_that_is_withdrawn_leaves_nothing_behind() -> None:
    played = Script()
    with mailer_to(played) as mailer:
        assert mailer.deliver(ENVELOPE, lambda: False).outcome is DeliveryOutcome.WITHDRAWN
        assert played.stored == []
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert played.stored == [CONTENT]
    assert played.cut == [b""], "nothing was said where the server waits for a body"
    assert played.connections == 2, "only hanging up takes a DATA back"


def test_the_body_is_begun_only_after_the_go_ahead() -> None:
    asked: list[str] = []

    def begin() -> bool:
        asked.append("begun")
        return True

    for command, answer in (("MAIL", "550 no"), ("RCPT", "550 no"), ("DATA", "451 later")):
        deliver(script(command, answer), begin_body=begin)
    assert asked == []
    deliver(Script(), begin_body=begin)
    assert asked == ["begun"]


def test_an_error_before_the_body_leaves_nothing_behind() -> None:
    def fail() -> bool:
        raise TransientError("the database is away")

    played = Script()
    with mailer_to(played) as mailer:
        with pytest.raises(TransientError):
            mailer.deliver(ENVELOPE, fail)
        assert mailer.deliver(ENVELOPE, yes).outcome is DeliveryOutcome.SENT
    assert played.stored == [CONTENT]


def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    envelope = Envelope("fees@example.org", "josé@example.com", CONTENT)
    with mailer_to(Script(extensions=())) as mailer:
        assert mailer.deliver(envelope, yes).outcome is DeliveryOutcome.FAILED
    able = Script()
    with mailer_to(able) as mailer:
        assert mailer.deliver(envelope, yes).outcome is DeliveryOutcome.SENT
    assert "RCPT TO:<josé@example.com>" in able.heard
    assert any("SMTPUTF8" in line for line in able.heard)


# Connecting


@pytest.mark.parametrize("answer", ["421 too many connections", "554 go away", DROP])
def test_a_server_that_turns_us_away_is_asked_again_later(answer: Reaction) -> None:
    with mailer_to(script("connect", answer)) as mailer, pytest.raises(TransientError, match="SMTP_URL"):
        mailer.check()


def test_a_server_that_is_not_there_is_asked_again_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        mailer = Mailer(settings(f"smtp://127.0.0.1:{nobody.getsockname()[1]}"))
        with pytest.raises(TransientError, match="cannot be reached"):
            mailer.check()


def test_a_server_elsewhere_must_offer_encryption() -> None:
    # On 0.0.0.0 our own machine answers, but it is no loopback address.
    with (
        mailer_to(Script(), host="0.0.0.0") as mailer,  # noqa: S104  connects, binds nothing
        pytest.raises(ConfigurationError, match="offers no TLS"),
    ):
        mailer.check()


def test_no_password_goes_to_a_server_elsewhere_without_encryption() -> None:
    played = Script(extensions=("AUTH PLAIN LOGIN",))
    with (
        mailer_to(played, host="0.0.0.0", login="fees:XYZZY@") as mailer,  # noqa: S104  connects, binds nothing
        pytest.raises(ConfigurationError),
    ):
        mailer.check()
    assert not any("AUTH" in line for line in played.heard)


def test_a_login_that_is_refused_is_a_wrong_setting_and_shows_no_password() -> None:
    played = Script({"AUTH": ["535 5.7.8 bad credentials"] * 3}, extensions=("AUTH PLAIN",))
    with mailer_to(played, login="fees:XYZZY@") as mailer, pytest.raises(ConfigurationError) as caught:
        mailer.check()
    assert "refuses the user name or password: 5.7.8 bad credentials" in str(caught.value)
    assert "XYZZY" not in repr((caught.value, caught.value.__cause__, caught.value.__context__))


def test_a_login_where_the_server_knows_none_is_a_wrong_setting() -> None:
    with mailer_to(Script(), login="fees:XYZZY@") as mailer, pytest.raises(ConfigurationError, match="SMTP_URL"):
        mailer.check()


def test_a_server_that_wants_a_login_is_a_wrong_setting() -> None:
    with (
        mailer_to(script("MAIL", "530 5.7.0 authentication required")) as mailer,
        pytest.raises(ConfigurationError, match="user name and password in SMTP_URL"),
    ):
        mailer.deliver(ENVELOPE, yes)
