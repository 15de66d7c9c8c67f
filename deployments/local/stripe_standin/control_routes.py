"""Routes below /_standin/: JSON, for the demo and the tests, never part of Stripe's namespace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deployments.local.stripe_standin.api import with_host
from deployments.local.stripe_standin.faults import FaultRequest
from deployments.local.stripe_standin.limits import Settings
from deployments.local.stripe_standin.parts import Parts
from deployments.local.stripe_standin.payments import PaymentRefusedError
from deployments.local.stripe_standin.session_table import Json


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


Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Any]]


def control_routes(parts: Parts, base_url: str) -> list[Route]:
    """Return the control routes."""

    async def clock(request: Request) -> Json:
        if request.method == "POST":
            _move_clock(parts, await _read(request, ClockChange))
        return {"now": parts.clock.now()}

    async def pay(request: Request) -> Json:
        how = await _read(request, Payment)
        return parts.payments.pay(request.path_params["id"], slow=how.slow, amount_total=how.amount_total)

    async def settle(request: Request) -> Json:
        return parts.payments.settle(request.path_params["id"])

    async def fail(request: Request) -> Json:
        how = await _read(request, Failure)
        return parts.payments.fail(request.path_params["id"], canceled=how.canceled)

    async def faults(request: Request) -> Json:
        if request.method == "POST":
            parts.faults.add(await _read(request, FaultRequest))
        elif request.method == "DELETE":
            parts.faults.clear()
        return {"faults": parts.faults.left()}

    async def settings(request: Request) -> Json:
        if request.method == "POST":
            parts.limits.configure(await _read(request, Settings))
        return parts.limits.settings.model_dump()

    async def requests(request: Request) -> Json:
        if request.method == "DELETE":
            parts.store.clear_requests()
        return {"requests": parts.store.logged_requests(int(request.query_params.get("since", "0")))}

    async def sessions(_request: Request) -> Json:
        return {"sessions": [with_host(session, base_url) for session in parts.sessions.everything()]}

    async def health(_request: Request) -> Json:
        return {"status": "ok"}

    async def reset(_request: Request) -> Json:
        parts.reset()
        return {"status": "reset"}

    def route(path: str, handler: Handler, *methods: str) -> Route:
        return Route(f"/_standin/{path}", _answering(handler), methods=methods)

    return [
        route("clock", clock, "GET", "POST"),
        route("sessions/{id}/pay", pay, "POST"),
        route("sessions/{id}/settle", settle, "POST"),
        route("sessions/{id}/fail", fail, "POST"),
        route("sessions", sessions, "GET"),
        route("faults", faults, "GET", "POST", "DELETE"),
        route("settings", settings, "GET", "POST"),
        route("requests", requests, "GET", "DELETE"),
        route("health", health, "GET"),
        route("reset", reset, "POST"),
    ]


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await handler(request))
        except KeyError as unknown:
            return JSONResponse({"error": f"no such session: {unknown.args[0]}"}, 404)
        except PaymentRefusedError as refusal:
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
