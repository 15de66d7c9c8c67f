"""Run the catcher: `python -m deployments.local.mail_catcher --folder DIR [--smtp-port N] [--http-port N]`."""

from __future__ import annotations

import argparse
import asyncio
import socket
from pathlib import Path

import uvicorn

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
    asyncio.run(serve(options.folder, options.smtp_port, options.http_port))


async def serve(folder: Path, smtp_port: int, http_port: int) -> None:
    """Catch mail and show it, on 127.0.0.1 only; say on standard output where."""
    smtp_socket = socket.create_server(("127.0.0.1", smtp_port))
    http_socket = socket.create_server(("127.0.0.1", http_port))
    pages = uvicorn.Server(uvicorn.Config(mail_pages(folder), log_level="warning", lifespan="off", ws="none"))
    async with await serve_smtp(MailFolder(folder), smtp_socket):
        print(
            f"listening on smtp://127.0.0.1:{smtp_socket.getsockname()[1]}"
            f" and http://127.0.0.1:{http_socket.getsockname()[1]}",
            flush=True,
        )
        await pages.serve(sockets=[http_socket])


if __name__ == "__main__":
    main()
