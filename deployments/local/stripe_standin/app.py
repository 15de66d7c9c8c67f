"""The stand-in as one ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from deployments.local.callers import OwnOriginOnly
from deployments.local.stripe_standin.api import Api
from deployments.local.stripe_standin.control_routes import control_routes
from deployments.local.stripe_standin.pages import page_routes
from deployments.local.stripe_standin.parts import Parts

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def make_app(parts: Parts, base_url: str, control_secret: str, only_key: str | None) -> Starlette:
    """Return the application; `base_url` is the address that session URLs are given out with.

    The control routes want the secret; `only_key` is the one API key that is taken, None takes any.
    """
    api = Api(parts, base_url, only_key)
    routes = [*control_routes(parts, base_url, control_secret), *page_routes(parts)]
    api_route = Route("/{path:path}", api.answer, methods=_METHODS)
    return Starlette(routes=[*routes, api_route], middleware=[Middleware(OwnOriginOnly)])
