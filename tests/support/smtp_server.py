"""A mail server that does as a script says and records what it hears and takes."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import trustme
from pydantic import SecretStr

from tasks.core.settings import Settings
from tasks.mail.smtp import Mailer
from tasks.mail.transport import Envelope

Reaction = str
"""A reply, or one of these:"""
DROP, HANG = "drop", "hang"

PIPELINED = ("8BITMIME", "SMTPUTF8", "PIPELINING", "SIZE 10000000")


@dataclass
class Script:
    """What the server says at which point; what is not named goes well. A list gives one answer a time.

    The points are `connect`, the commands by name (`AUTH` is asked once a mechanism), `body` (the server reads the
    first of it; only a drop, a hang or a refusal, with which it hangs up, mean something), `dot` (nothing is stored
    unless it goes well) and `taken` (stored, and not yet answered).
    """

    says: dict[str, list[Reaction]] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8")
    heard: list[str] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    stored_for: list[tuple[str, ...]] = field(default_factory=list)
    cut: list[bytes] = field(default_factory=list)
    connections: int = 0
    turns: int = 0
    """How often the server had said all it had to say, and waited for the client."""
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, point: str, usual: str) -> Reaction:
        answers = self.says.get(point, [])
        return answers.pop(0) if answers else usual


class Talk(socketserver.BaseRequestHandler):
    """One connection."""

    script: Script
    request: socket.socket

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.sender = False
        self.recipients: list[str] = []
        self.has_spoken = False

    def handle(self) -> None:
        self.script.connections += 1
        try:
            if not self.react(self.answer("connect", "220 ready")):
                return
            while line := self.next_line():
                words = line.decode(errors="replace").split() or [""]
                verb = words[0].upper()
                self.script.heard.append(" ".join([verb, *words[1:]]))
                if not self.obey(verb, line.decode(errors="replace").strip()):
                    return
        except OSError:
            return  # the client has gone

    def answer(self, point: str, usual: str) -> Reaction:
        return self.script.answer(point, usual)

    def finish(self) -> None:
        self.request.close()

    def obey(self, verb: str, line: str) -> bool:
        """Answer a command, and say whether the connection goes on."""
        usual = "250 ok"
        match verb:
            case "EHLO":
                lines = ["scripted", *self.script.extensions]
                usual = "\r\n".join(f"250{'-' if n < len(lines) - 1 else ' '}{line}" for n, line in enumerate(lines))
            case "QUIT":
                self.react("221 bye")
                return False
            case "AUTH":
                usual = "235 welcome"
            case "RCPT" if not self.sender:
                usual = "503 need MAIL"
            case "STARTTLS":
                return self.encrypt()
            case "DATA":
                return self.take_message()
        answer = self.answer(verb, usual)
        if verb in {"MAIL", "RSET"}:
            self.sender, self.recipients = verb == "MAIL" and answer.startswith("2"), []
        if verb == "RCPT" and answer.startswith("2"):
            self.recipients.append(line.partition("<")[2].partition(">")[0])
        return self.react(answer)

    def encrypt(self) -> bool:
        answer = self.answer("STARTTLS", "220 go on")
        if not self.react(answer):
            return False
        if answer.startswith("220"):
            self.request = server_tls().wrap_socket(self.request, server_side=True)
        return True

    def take_message(self) -> bool:
        usual = "354 go on" if self.recipients or "DATA" in self.script.says else "554 no valid recipients"
        go_ahead = self.answer("DATA", usual)
        if not self.react(go_ahead):
            return False
        return not go_ahead.startswith("354") or self.take_body()

    def take_body(self) -> bool:
        trouble = self.answer("body", "")
        if trouble:
            self.request.recv(1)
            self.react(trouble)
            return False
        lines: list[bytes] = []
        while (line := self.next_line()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        if line == b"":
            self.script.cut.append(b"".join(lines))
            return False
        reply = self.answer("dot", "250 2.0.0 taken" if self.recipients else "554 no valid recipients")
        if reply.startswith("250"):
            self.script.stored.append(b"".join(lines))
            self.script.stored_for.append(tuple(self.recipients))
            reply = self.answer("taken", reply)
        return self.react(reply)

    def next_line(self) -> bytes:
        """Read a line, or nothing where the client has gone."""
        while b"\n" not in self.buffer:
            if self.has_spoken and not self.buffer:
                self.script.turns += 1
                self.has_spoken = False
            more = self.request.recv(65536)
            if not more:
                return b""
            self.buffer += more
        line, newline, self.buffer = self.buffer.partition(b"\n")
        return line + newline

    def react(self, reply: Reaction) -> bool:
        if reply == HANG:
            self.script.over.wait(20)
            reply = "250 2.0.0 taken, after a long time"
        if reply == DROP:
            self.request.shutdown(socket.SHUT_RDWR)
            return False
        self.request.sendall(reply.encode() + b"\r\n")
        self.has_spoken = True
        return not reply.startswith("421")


class Server(socketserver.ThreadingTCPServer):
    """Answers on a free port; what comes in waits in a small window, so that a client notices when nobody reads."""

    daemon_threads = True
    request_queue_size = 50

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        super().server_bind()


@contextmanager
def server(script: Script, talk: type[Talk] = Talk) -> Iterator[int]:
    """Play a script on a free port, for every connection at once."""
    handler = type("ScriptedTalk", (talk,), {"script": script})
    with Server(("127.0.0.1", 0), handler) as tcp:
        thread = threading.Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(tcp.server_address[1])
        finally:
            script.over.set()
            tcp.shutdown()
            thread.join()


@cache
def authority() -> trustme.CA:
    """A certificate authority that only tests know."""
    return trustme.CA()


@cache
def server_tls() -> ssl.SSLContext:
    """What the server shows of itself: a certificate for 0.0.0.0, on which this machine answers too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("0.0.0.0").configure_cert(context)  # noqa: S104  names an address, binds nothing
    return context


CONTENT = b"Subject: fees\r\n\r\n.a line with a dot\r\n..two\r\n.\r\nS\xc3\xad\r\n"
ENVELOPE = Envelope("fees@example.org", "jo.ek@example.com", CONTENT)


def script(point: str, *answers: Reaction) -> Script:
    return Script({point: list(answers)})


def mail_settings(url: str, **changed: object) -> Settings:
    """The settings of a pipeline that only mails."""
    return Settings(
        _env_file=None,
        database_url=SecretStr("postgresql://127.0.0.1/nowhere"),
        stripe_api_key=SecretStr("sk_test_invented_key_of_the_tests"),
        checkout_success_url="https://club.example.org/paid",
        smtp_url=SecretStr(url),
        mail_from="fees@example.org",
    ).model_copy(update=changed)


@contextmanager
def mailer_to(
    script: Script, *, scheme: str = "smtp", login: str = "", host: str = "127.0.0.1", per_connection: int = 100
) -> Iterator[Mailer]:
    """A line to a server that plays a script."""
    with server(script) as port:
        url = f"{scheme}://{login}{host}:{port}"
        mailer = Mailer(mail_settings(url, smtp_messages_per_connection=per_connection))
        try:
            yield mailer
        finally:
            mailer.close()
