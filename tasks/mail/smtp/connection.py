import socket
import ssl
from contextlib import suppress
from time import monotonic

from tasks.mail.smtp.patience import PatientSMTP
from tasks.mail.smtp.reply import Reply, one_line

PIECE = 65536
"""Bytes of a body that are sent at a time; between two of them the time that is left is looked at."""


class LostConnectionError(Exception):
    """The server has closed the connection or does not answer in time; says which."""


class Connection:
    """An open connection; after a LostConnectionError or `hang_up` it is of no use any more."""

    def __init__(self, smtp: PatientSMTP) -> None:
        self._smtp = smtp
        self.messages = 0
        """How many have been begun on it."""
        self.unfinished = False
        """Whether the server may still remember a MAIL that came to nothing: the next message begins with RSET."""

    @property
    def is_open(self) -> bool:
        """Whether there is somebody to talk to, as far as we know."""
        return self._smtp.sock is not None

    def offers(self, extension: str) -> bool:
        """Return True if the server's EHLO reply names an extension."""
        return self._smtp.has_extn(extension)

    @property
    def size_limit(self) -> int | None:
        """How many bytes a message may have (RFC 1870), where the server says so."""
        stated = self._smtp.esmtp_features.get("size", "")
        return int(stated) or None if stated.isdecimal() else None

    def send(self, data: bytes, seconds: float) -> None:
        """Get all of it out in time, or raise LostConnectionError; what the server said before can still be read."""
        deadline = monotonic() + seconds
        try:
            for start in range(0, len(data), PIECE):
                self._socket().settimeout(max(deadline - monotonic(), 0.001))
                self._socket().sendall(data[start : start + PIECE])
        except OSError as error:
            raise LostConnectionError(_loss(error, seconds)) from error

    def reply(self, seconds: float) -> Reply:
        """Wait for the whole of the server's next reply, or raise LostConnectionError."""
        self._socket()
        self._smtp.patience = seconds
        try:
            code, text = self._smtp.getreply()
        except OSError as error:  # smtplib's are among them
            self.hang_up()
            raise LostConnectionError(_loss(error.__context__ or error, seconds)) from error
        return Reply(code, one_line(text))

    def has_gone(self) -> bool:
        """Tell without asking whether the server has hung up, or has said what nobody asked for, such as a 421."""
        sock, file = self._smtp.sock, self._smtp.file
        if sock is None or file is None:
            return True
        sock.settimeout(0)
        try:
            return bool(file.peek(1)) or sock.recv(1) is not None
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True

    def quit(self, seconds: float) -> None:
        """Say goodbye, if there is somebody to say it to."""
        with suppress(LostConnectionError):
            self.send(b"QUIT\r\n", seconds)
            self.reply(seconds)
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection without a word."""
        self._smtp.close()

    def _socket(self) -> socket.socket:
        if self._smtp.sock is None:
            raise LostConnectionError("the connection is closed")
        return self._smtp.sock


def _loss(error: BaseException, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"connection lost: no answer within {seconds:g} seconds"
    return f"connection lost: {error}"
