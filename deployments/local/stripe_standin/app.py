"""The stand-in as one ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route

from deployments.local.stripe_standin.api import Api
from deployments.local.stripe_standin.control_routes import control_routes
from deployments.local.stripe_standin.pages import page_routes
from deployments.local.stripe_standin.parts import Parts

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def make_app(parts: Parts, base_url: str) -> Starlette:
    """Return the application; `base_url` is the address that session URLs are given out with."""
    api = Api(parts, base_url)

    routes = [*control_routes(parts, base_url), *page_routes(parts, base_url)]
    return Starlette(routes=[*routes, Route("/{path:path}", api.answer, methods=_METHODS)])
