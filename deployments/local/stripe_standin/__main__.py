"""Run the stand-in: python -m deployments.local.stripe_standin --data FILE [--port N] [--any-key].

Its API takes the key in STANDIN_API_KEY, its control routes the secret in STANDIN_CONTROL_SECRET. What is not set lets
nobody in.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from deployments.local.callers import key_from
from deployments.local.stripe_standin.app import make_app
from deployments.local.stripe_standin.connections import DroppableProtocol
from deployments.local.stripe_standin.parts import Parts


class _AnnouncingServer(uvicorn.Server):
    """Say where the server listens as soon as it does."""

    base_url = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"listening on {self.base_url}", flush=True)


def main() -> int:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="stripe_standin", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the SQLite file that holds the state")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free port")
    parser.add_argument("--any-key", action="store_true", help="take any API key that has the shape of one of Stripe's")
    arguments = parser.parse_args()
    only_key = None if arguments.any_key else key_from("STANDIN_API_KEY")
    try:
        parts = Parts.open(arguments.data)
    except BlockingIOError:
        sys.exit(f"another stand-in is using {arguments.data}; stop it or give another --data file")
    with _listener(arguments.port) as listener:
        _serve(parts, listener, only_key)
    parts.store.close()
    return 0


def _listener(port: int) -> socket.socket:
    # asyncio switches Nagle's delay (40 ms a response here) off only on sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


def _serve(parts: Parts, listener: socket.socket, only_key: str | None) -> None:
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        make_app(parts, base_url, key_from("STANDIN_CONTROL_SECRET"), only_key),
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=300,
        timeout_graceful_shutdown=2,
    )
    server = _AnnouncingServer(config)
    server.base_url = base_url
    # uvicorn raises the signal again once it has stopped; by then that is no reason to die of it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    sys.exit(main())
