"""The HTTP side: the page of all messages, and each of them as it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from deployments.local.callers import OwnOriginOnly, is_key
from deployments.local.mail_catcher.mailbox import message_file
from deployments.local.mail_catcher.page import POLICY, SANDBOX, message_page, served_index

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

_NO_GUESSING = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_PAGE = {**_NO_GUESSING, "Content-Security-Policy": f"{POLICY}; frame-src 'self'; frame-ancestors 'none'"}
_MESSAGE = {**_NO_GUESSING, "Content-Security-Policy": f"{POLICY}; frame-ancestors 'self'; sandbox {SANDBOX}"}
_NO_KEY = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Caught mail: the key is missing</title>
<p>The caught mail is here, but this address lacks the key to it. Open the whole address of the mail, as
<code>make serve</code> or <code>make demo STAY=1</code> has printed it.</p></html>"""


@dataclass(frozen=True)
class BelowTheKey:
    """Pass on what is asked for below `/KEY/`, and tell everybody else where the address with the key is found.

    The key is in the address, not in a cookie: browsers send a cookie of 127.0.0.1 to every port of it, and so to what
    other users of the machine run there. A mail does not give the address away: a sandboxed page has no referrer.
    """

    app: ASGIApp
    key: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request or pass it on."""
        first = scope["path"].removeprefix("/").partition("/")[0]
        if is_key(first, self.key):
            await self.app({**scope, "root_path": f"/{first}"}, receive, send)
        else:
            await HTMLResponse(_NO_KEY, 403, _PAGE)(scope, receive, send)


def mail_pages(folder: Path, key: str) -> Starlette:
    """Return the application that shows a folder of caught messages to who has the key."""

    async def index(_request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(served_index, folder), headers=_PAGE)

    async def html(request: Request) -> Response:
        try:
            page = await run_in_threadpool(message_page, folder, request.path_params["number"])
        except FileNotFoundError:
            raise HTTPException(404) from None
        return HTMLResponse(page, headers=_MESSAGE)

    async def eml(request: Request) -> Response:
        try:
            content = message_file(folder, request.path_params["number"]).read_bytes()
        except FileNotFoundError:
            raise HTTPException(404) from None
        return Response(content, media_type="message/rfc822", headers=_NO_GUESSING)

    routes = [
        Route("/", index),
        Route("/messages/{number:int}.html", html),
        Route("/messages/{number:int}.eml", eml),
    ]
    return Starlette(routes=routes, middleware=[Middleware(OwnOriginOnly), Middleware(BelowTheKey, key=key)])
