"""smtplib's client with a deadline for each reply as a whole: a byte now and then must not hold a worker for ever."""

import smtplib
import socket
import ssl
from time import monotonic


class TimedLines:
    """What a socket receives, line by line, read before a deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb")
        self.deadline = 0.0

    def readline(self, limit: int) -> bytes:
        """Return the next line, or what there is of it before the connection ended; raises TimeoutError."""
        line = b""
        while not line.endswith(b"\n") and len(line) < limit:
            self._sock.settimeout(max(self.deadline - monotonic(), 0.001))
            waiting = self._file.peek(1)
            if not waiting:
                break
            end = waiting.find(b"\n") + 1 or len(waiting)
            line += self._file.read(min(end, limit - len(line)))
        return line

    def peek(self, size: int) -> bytes:
        """Return what waits to be read, asking the socket once where that is nothing."""
        return self._file.peek(size)

    def close(self) -> None:
        """Close our end of it; the socket has another."""
        self._file.close()


class PatientSMTP(smtplib.SMTP):
    """Waits `patience` seconds for the connection and for all of each reply."""

    file: TimedLines | None

    def __init__(self, host: str, port: int, patience: float) -> None:
        self.patience = patience
        super().__init__(host, port, timeout=patience)

    def getreply(self) -> tuple[int, bytes]:
        """Do as smtplib does, until the deadline."""
        if self.file is None:
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("the connection is closed")
            self.file = TimedLines(self.sock)
        self.file.deadline = monotonic() + self.patience
        return super().getreply()


class PatientTLS(PatientSMTP, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte (RFC 8314)."""

    def __init__(self, host: str, port: int, patience: float, context: ssl.SSLContext) -> None:
        self.patience = patience
        smtplib.SMTP_SSL.__init__(self, host, port, timeout=patience, context=context)
