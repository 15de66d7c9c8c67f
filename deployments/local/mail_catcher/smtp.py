"""The SMTP side: a message is on the disk before it is answered with 250."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, Envelope, Session

if TYPE_CHECKING:
    import socket

    from deployments.local.mail_catcher.mailbox import MailFolder

_MESSAGE_BYTES = 25 * 1024 * 1024  # what large mail providers take


class CatchAll:
    """Take every message for everybody."""

    def __init__(self, mail: MailFolder) -> None:
        self._mail = mail

    async def handle_EHLO(  # noqa: N802 -- aiosmtpd finds its hooks by these names
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer PIPELINING (RFC 2920), which aiosmtpd's reading line by line supports but does not announce."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        """Store the message, without giving way to another in between: the numbers tell the order of arrival."""
        content = envelope.original_content or b""
        file = self._mail.store(envelope.mail_from or "", envelope.rcpt_tos, content)
        return f"250 2.0.0 kept as {file.stem}"


class _NoBrowser(SMTP):
    """Hang up on a browser: any page on the web can post here, and what it sends would be read as commands.

    Programs need no password: they can add a message, as to any mailbox, and read none.
    """

    async def _hang_up(self, _argument: str | None) -> None:
        if self.transport is not None:
            self.transport.close()

    smtp_GET = smtp_HEAD = smtp_POST = smtp_PUT = smtp_PATCH = smtp_DELETE = smtp_OPTIONS = _hang_up  # noqa: N815 -- as above


async def serve_smtp(mail: MailFolder, listening: socket.socket) -> asyncio.Server:
    """Start to serve on a bound socket."""
    handler = CatchAll(mail)
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _session(handler, loop), sock=listening)


def _session(handler: CatchAll, loop: asyncio.AbstractEventLoop) -> SMTP:
    # A host name that is given is not looked up: the look-up can take seconds on a machine without DNS.
    return _NoBrowser(handler, data_size_limit=_MESSAGE_BYTES, enable_SMTPUTF8=True, hostname="localhost", loop=loop)
