"""A wire to the mail server that can be held at a chosen moment of a conversation."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO
from urllib.parse import urlsplit


class Moment(Enum):
    """What a sender is waiting for when the wire is held."""

    GO_AHEAD = "the server's 354 is on its way: the sender may not begin the body yet"
    BODY = "the message with its final dot is on its way: the server has none of it"
    REPLY = "the server's 250 is on its way: it has taken the message"

    @property
    def after(self) -> bytes:
        """The reply of the server with which the moment comes."""
        return b"250 2.0.0 kept" if self is Moment.REPLY else b"354"


@dataclass
class MailWire:
    """Passes on whatever is said, until a moment that it is told to hold at; a held connection stays so."""

    server: str
    url: str = ""
    moment: Moment | None = None
    left: int = 0
    held: threading.Event = field(default_factory=threading.Event)

    def hold_at(self, moment: Moment, nth: int) -> None:
        """Hold the connection that is the nth from now to come to the moment."""
        self.held.clear()
        self.moment, self.left = moment, nth

    def holds_at(self, reply: bytes) -> Moment | None:
        """Count a reply; return the moment where it is the one to hold at."""
        if self.moment is None or not reply.startswith(self.moment.after):
            return None
        self.left -= 1
        return self.moment if self.left == 0 else None


class Connection(socketserver.StreamRequestHandler):
    """One sender's connection, and its other half to the server."""

    wire: MailWire
    holding = False

    def handle(self) -> None:
        address = urlsplit(self.wire.server)
        with (
            socket.create_connection((address.hostname or "", address.port or 0)) as server,
            server.makefile("rb") as replies,
        ):
            back = threading.Thread(target=self.pass_replies, args=[replies])
            back.start()
            self.pass_commands(server)
            server.shutdown(socket.SHUT_RDWR)
            back.join()

    def pass_commands(self, server: socket.socket) -> None:
        """Pass on what the sender says until it hangs up, which a killed one does as well."""
        try:
            for line in self.rfile:
                if not self.holding:
                    server.sendall(line)
                elif line == b".\r\n":
                    self.wire.held.set()
        except ConnectionResetError:
            pass

    def pass_replies(self, replies: BinaryIO) -> None:
        for reply in replies:
            moment = None if self.holding else self.wire.holds_at(reply)
            self.holding = self.holding or moment is not None
            if not self.holding or moment is Moment.BODY:
                self.wfile.write(reply)
            else:
                self.wire.held.set()


@contextmanager
def mail_wire(server: str) -> Iterator[MailWire]:
    """Lay a wire to the mail server at a URL; the sender's end is at `url`."""
    wire = MailWire(server)
    handler = type("Connection", (Connection,), {"wire": wire})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as listener:
        wire.url = f"smtp://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield wire
        listener.shutdown()
        thread.join()
