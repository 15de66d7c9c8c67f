"""Run the catcher: `python -m deployments.local.mail_catcher --folder DIR [--smtp-port N] [--http-port N]`.

Its pages are below the key in MAIL_CATCHER_KEY, http://127.0.0.1:N/KEY/; without one nobody can open them.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
from pathlib import Path

import uvicorn

from deployments.local.callers import key_from
from deployments.local.mail_catcher.mailbox import MailFolder
from deployments.local.mail_catcher.smtp import serve_smtp
from deployments.local.mail_catcher.web import mail_pages


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m deployments.local.mail_catcher", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the messages are kept")
    parser.add_argument("--smtp-port", type=int, default=0, help="0, the default, is a free one")
    parser.add_argument("--http-port", type=int, default=0, help="0, the default, is a free one")
    options = parser.parse_args()
    # uvicorn raises the signal again once it has stopped; by then that is no reason to die of it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    asyncio.run(serve(options.folder, options.smtp_port, options.http_port))


async def serve(folder: Path, smtp_port: int, http_port: int) -> None:
    """Catch mail and show it, on 127.0.0.1 only; say on standard output where."""
    pages = uvicorn.Config(
        mail_pages(folder, key_from("MAIL_CATCHER_KEY")),
        log_level="warning",
        access_log=False,  # the key is in the paths
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=2,
    )
    with _listening(smtp_port) as smtp_socket, _listening(http_port) as http_socket:
        smtp = await serve_smtp(MailFolder(folder), smtp_socket)
        print(f"listening on {_url('smtp', smtp_socket)} and {_url('http', http_socket)}", flush=True)
        await uvicorn.Server(pages).serve(sockets=[http_socket])
        smtp.close()  # without waiting: a client may keep its connection for long


def _listening(port: int) -> socket.socket:
    # asyncio switches Nagle's delay, 40 ms a pipelined reply, off only on sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


def _url(scheme: str, listener: socket.socket) -> str:
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


if __name__ == "__main__":
    main()
