"""Let the embedded stack's web servers answer only this machine's pages and programs, and these only with the key."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HOSTS = {"127.0.0.1", "localhost"}
_REFUSAL = PlainTextResponse("This server answers no page of another site.", 403)


@dataclass(frozen=True)
class OwnOriginOnly:
    """Refuse what a browser sends for another site: its page, or a name of its own that it has made to point here."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request or pass it on."""
        answer = _REFUSAL if is_foreign(Headers(scope=scope)) else self.app
        await answer(scope, receive, send)


def is_foreign(headers: Headers) -> bool:
    """Return True for another Host than this machine's, or another Origin than that host's."""
    host = headers.get("host", "")  # with any port: a tunnel may begin at another one
    own = f"http://{host}"
    return host.partition(":")[0].lower() not in _HOSTS or headers.get("origin", own) != own


def is_key(given: str, key: str) -> bool:
    """Return True if the key is right, in a time that does not tell how much of it is."""
    return secrets.compare_digest(given.encode(errors="replace"), key.encode())


def key_from(variable: str) -> str:
    """Return the key in an environment variable (everybody sees a command line); where it is not set, a random one."""
    return os.environ.get(variable) or secrets.token_hex()
