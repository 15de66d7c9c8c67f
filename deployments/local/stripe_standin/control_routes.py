"""Routes below /_standin/: JSON, for who has the secret (the demo, the tests), never part of Stripe's namespace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deployments.local.callers import is_key
from deployments.local.stripe_standin.api import with_host
from deployments.local.stripe_standin.faults import FaultRequest
from deployments.local.stripe_standin.limits import Settings
from deployments.local.stripe_standin.link_visits import LinkClosedError
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.parts import Parts
from deployments.local.stripe_standin.payments import PaymentRefusedError


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockChange(_Body):
    """Set the clock, move it, or go back to real time."""

    now: float | None = None
    advance: float | None = None
    reset: bool = False


class Payment(_Body):
    """How a session is paid."""

    slow: bool = False
    amount_total: int | None = Field(default=None, ge=0)


class Failure(_Body):
    """How a slow payment fails."""

    canceled: bool = False


class StagedSessions(_Body):
    """Open test sessions of the same parameters, one for each client_reference_id, made in a stretch of the past."""

    parameters: Json
    references: list[str]
    created: tuple[float, float]


class StagedLinks(_Body):
    """Active test links of the same parameters, one for each map of metadata."""

    parameters: Json
    metadata: list[dict[str, str]]


class Visit(_Body):
    """How a link is opened: with a `?client_reference_id=` or without."""

    client_reference_id: str | None = None


Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Json]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Control:
    """The handlers; each returns the JSON of its answer."""

    parts: Parts
    base_url: str

    async def clock(self, request: Request) -> Json:
        """Tell the time; on POST, move the clock first."""
        if request.method == "POST":
            _move_clock(self.parts, await _read(request, ClockChange))
        return {"now": self.parts.clock.now()}

    async def pay(self, request: Request) -> Json:
        """Pay a session."""
        how = await _read(request, Payment)
        return self.parts.payments.pay(request.path_params["id"], slow=how.slow, amount_total=how.amount_total)

    async def settle(self, request: Request) -> Json:
        """Let a slow payment succeed."""
        return self.parts.payments.settle(request.path_params["id"])

    async def fail(self, request: Request) -> Json:
        """Let a slow payment fail."""
        how = await _read(request, Failure)
        return self.parts.payments.fail(request.path_params["id"], canceled=how.canceled)

    async def faults(self, request: Request) -> Json:
        """Tell which faults wait; stage one on POST, clear them on DELETE."""
        if request.method == "POST":
            self.parts.faults.add(await _read(request, FaultRequest))
        elif request.method == "DELETE":
            self.parts.faults.clear()
        return {"faults": self.parts.faults.left()}

    async def settings(self, request: Request) -> Json:
        """Tell the settings; on POST, replace them first."""
        if request.method == "POST":
            self.parts.limits.configure(await _read(request, Settings))
        return self.parts.limits.settings.model_dump()

    async def requests(self, request: Request) -> Json:
        """Return the request log after `since`; on DELETE, empty it first."""
        if request.method == "DELETE":
            self.parts.store.clear_requests()
        return {"requests": self.parts.store.logged_requests(int(request.query_params.get("since", "0")))}

    async def sessions(self, request: Request) -> Json:
        """Return every session of both modes; on POST, stage many, and return the ids of these."""
        if request.method == "POST":
            staged = await _read(request, StagedSessions)
            return {"ids": self.parts.operations.stage(staged.parameters, staged.references, staged.created)}
        most = int(request.query_params.get("most", "-1"))
        return {"sessions": [with_host(session, self.base_url) for session in self.parts.sessions.everything(most)]}

    async def payment_links(self, request: Request) -> Json:
        """Return every payment link of both modes, with its lines; on POST, stage many: id and URL of these."""
        if request.method == "POST":
            staged = await _read(request, StagedLinks)
            made = self.parts.link_operations.stage(staged.parameters, staged.metadata)
            return {"payment_links": [{"id": link["id"], "url": self.base_url + link["url"]} for link in made]}
        most = int(request.query_params.get("most", "-1"))
        links = [
            link | {"lines": self.parts.links.line_items(link["id"])} for link in self.parts.links.everything(most)
        ]
        return {"payment_links": [with_host(link, self.base_url) for link in links]}

    async def open_link(self, request: Request) -> Json:
        """Open a payment link as a browser does; return the session that this makes."""
        visit = await _read(request, Visit)
        session = self.parts.visits.open(request.path_params["id"], visit.client_reference_id)
        return with_host(session, self.base_url)

    async def health(self, _request: Request) -> Json:
        """Answer."""
        return {"status": "ok"}

    async def reset(self, _request: Request) -> Json:
        """Wipe everything."""
        self.parts.reset()
        return {"status": "reset"}

    async def snapshot(self, request: Request) -> Json:
        """Keep a copy of everything; on PUT, make everything again what that has."""
        if request.method == "PUT":
            self.parts.reset()
            self.parts.store.restore()
        else:
            self.parts.store.keep()
        return {"status": "restored" if request.method == "PUT" else "kept"}


def control_routes(parts: Parts, base_url: str, secret: str) -> list[Route]:
    """Return the control routes, of which all but `health` want the secret."""
    control = Control(parts, base_url)

    def route(path: str, handler: Handler, *methods: str) -> Route:
        return Route(f"/_standin/{path}", _guarded(secret, _answering(handler)), methods=methods)

    return [
        route("clock", control.clock, "GET", "POST"),
        route("sessions/{id}/pay", control.pay, "POST"),
        route("sessions/{id}/settle", control.settle, "POST"),
        route("sessions/{id}/fail", control.fail, "POST"),
        route("sessions", control.sessions, "GET", "POST"),
        route("payment_links", control.payment_links, "GET", "POST"),
        route("payment_links/{id}/open", control.open_link, "POST"),
        route("faults", control.faults, "GET", "POST", "DELETE"),
        route("settings", control.settings, "GET", "POST"),
        route("requests", control.requests, "GET", "DELETE"),
        Route("/_standin/health", _answering(control.health), methods=["GET"]),
        route("reset", control.reset, "POST"),
        route("snapshot", control.snapshot, "POST", "PUT"),
    ]


def _guarded(secret: str, endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        if not is_key(request.headers.get("authorization", ""), f"Bearer {secret}"):
            return JSONResponse({"error": "the stand-in's secret is needed: Authorization: Bearer ..."}, 401)
        return await endpoint(request)

    return answer


def _answering(handler: Handler) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await handler(request))
        except KeyError as unknown:
            return JSONResponse({"error": f"no such session or payment link: {unknown.args[0]}"}, 404)
        except (PaymentRefusedError, LinkClosedError) as refusal:
            return JSONResponse({"error": str(refusal)}, 409)
        except (ValidationError, ValueError) as problem:
            return JSONResponse({"error": str(problem)}, 422)

    return answer


def _move_clock(parts: Parts, change: ClockChange) -> None:
    if change.reset:
        parts.clock.reset()
    if change.now is not None:
        parts.clock.set(change.now)
    if change.advance is not None:
        parts.clock.advance(change.advance)


async def _read(request: Request, model: type[Body]) -> Body:
    return model.model_validate_json(await request.body() or b"{}")
