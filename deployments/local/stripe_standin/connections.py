"""Connections that can be cut without an answer, as a network does it."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_ABORT = "stripe_standin.abort"


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, telling each request how to cut its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrowed by uvicorn too
        """Put the transport's abort into the scope of this connection's requests."""
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_ABORT] = transport.abort
            await inner(scope, receive, send)

        self.app = app


class DroppedConnection(Response):
    """Cut the connection: the client sees it close without a byte of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Abort, then wait until the server has noticed, so that it does not answer in our place."""
        scope[_ABORT]()
        while (await receive())["type"] != "http.disconnect":
            pass
