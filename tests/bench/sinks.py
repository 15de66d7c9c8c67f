"""Mail servers that take everything and keep nothing: Postfix's own, and one whose every reply takes its time."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deployments.local.home import REPOSITORY
from deployments.local.ports import free_port

OFFERS = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
REPLIES = {b"EHLO": OFFERS, b"HELO": b"250 sink\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


def program(name: str) -> str | None:
    """Find a program of Postfix's, which Debian keeps where only root looks; None where it is not installed."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


@contextmanager
def smtp_sink() -> Iterator[int]:
    """Run Postfix's smtp-sink; yield its port."""
    port = free_port()
    command = [program("smtp-sink") or "smtp-sink", f"127.0.0.1:{port}", "1000"]
    # As root it wants to know whom to become.
    command[1:1] = ["-u", "nobody"] if os.geteuid() == 0 else []
    with _running(command, port):
        yield port


@contextmanager
def slow_sink(reply_ms: float) -> Iterator[int]:
    """Run a server, in a process of its own, each of whose replies comes so late, as over a long line."""
    port = free_port()
    with _running([sys.executable, "-m", "tests.bench.sinks", str(port), str(reply_ms)], port):
        yield port


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    with subprocess.Popen(command, cwd=REPOSITORY) as process:
        try:
            _wait_for(port, process)
            yield
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None:
                raise
        else:
            return


class SlowTalk(asyncio.Protocol):
    """One connection; what comes in one piece is answered in one piece, so that pipelined commands wait once."""

    def __init__(self, reply_seconds: float) -> None:
        self.reply_seconds = reply_seconds
        self.buffer = b""
        self.in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.say(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        said = b""
        while (piece := self.next_piece()) is not None:
            said += piece
        if said:
            self.say(said)

    def next_piece(self) -> bytes | None:
        """Return the reply to the next command, or to a whole body; None where more has to come."""
        if self.in_body:
            _, dot, rest = self.buffer.partition(b"\r\n.\r\n")
            if not dot:
                return None
            self.buffer, self.in_body = rest, False
            return b"250 taken\r\n"
        line, end, rest = self.buffer.partition(b"\r\n")
        if not end:
            return None
        self.buffer = rest
        verb = line[:4].upper()
        self.in_body = verb == b"DATA"
        return REPLIES.get(verb, b"250 ok\r\n")

    def say(self, said: bytes) -> None:
        asyncio.get_running_loop().call_later(self.reply_seconds, self.transport.write, said)


async def serve(port: int, reply_ms: float) -> None:
    """Serve for ever."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SlowTalk(reply_ms / 1000), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
