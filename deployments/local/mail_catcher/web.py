"""The HTTP side: the page of all messages, and each of them as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from deployments.local.mail_catcher.mailbox import message_file
from deployments.local.mail_catcher.page import POLICY, SANDBOX, message_page, served_index

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

_NO_GUESSING = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_PAGE = {**_NO_GUESSING, "Content-Security-Policy": f"{POLICY}; frame-src 'self'"}
_MESSAGE = {**_NO_GUESSING, "Content-Security-Policy": f"{POLICY}; sandbox {SANDBOX}"}


def mail_pages(folder: Path) -> Starlette:
    """Return the application that shows a folder of caught messages."""

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
    # Only names of this machine: another site's name that is made to point here (DNS rebinding) reads no mail.
    ours = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(routes=routes, middleware=[ours])
