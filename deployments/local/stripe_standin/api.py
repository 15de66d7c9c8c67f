"""A request's way through the API: key, staged fault, rate limit, idempotency, endpoint, log."""

from __future__ import annotations

import asyncio
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from deployments.local.stripe_standin.connections import DroppedConnection
from deployments.local.stripe_standin.errors import StripeError, invalid, server_error
from deployments.local.stripe_standin.faults import Fault
from deployments.local.stripe_standin.forms import parse_form
from deployments.local.stripe_standin.idempotency import KeyedRequest, SavedAnswer
from deployments.local.stripe_standin.keys import Access, authenticate
from deployments.local.stripe_standin.link_visits import LinkClosedError
from deployments.local.stripe_standin.objects import Json, new_id
from deployments.local.stripe_standin.parts import Parts
from deployments.local.stripe_standin.payments import PaymentRefusedError

_SESSIONS, _LINKS = "/v1/checkout/sessions/", "/v1/payment_links/"
_FORM = "application/x-www-form-urlencoded"


class DropConnection(Exception):  # noqa: N818 - an instruction, not an error
    """Cut the connection instead of answering."""


@dataclass
class Call:
    """One API request and what became of it."""

    method: str
    path: str
    request_id: str = field(default_factory=lambda: new_id("req_", 14))
    idempotency_key: str | None = None
    parameters: Json = field(default_factory=dict)
    fault: Fault | None = None

    def fault_is(self, name: str) -> bool:
        """Tell whether this call has taken that fault."""
        return self.fault is not None and self.fault.name == name


@dataclass(frozen=True)
class Answer:
    """A status, a body without host names, and extra headers."""

    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Api:
    """Answer requests below /v1/ (and refuse every other path as Stripe does)."""

    parts: Parts
    base_url: str
    only_key: str | None

    async def answer(self, request: Request) -> Response:
        """Answer one request; the response exists only after everything is committed."""
        call = Call(request.method, request.url.path, idempotency_key=request.headers.get("idempotency-key"))
        try:
            answer = await self._attempt(call, request)
        except DropConnection:
            self._log(call, None)
            return DroppedConnection()
        except StripeError as refusal:
            answer = self._refused(call, refusal)
        except Exception:  # noqa: BLE001 - a bug here must look like Stripe's own, and be seen
            traceback.print_exc(file=sys.stderr)
            answer = self._refused(call, server_error())
        self._log(call, answer)
        return self._response(call, answer, request)

    async def _attempt(self, call: Call, request: Request) -> Answer:
        access = authenticate(request.headers.get("authorization"), self.only_key)
        call.parameters = parse_form(await _encoded_parameters(request))
        call.fault = self.parts.faults.take(call.method, call.path)
        if call.fault_is("drop_before"):
            raise DropConnection
        if call.fault and (refusal := call.fault.refusal()):
            raise refusal
        self.parts.limits.check(call.method)
        if call.method != "POST" or not call.idempotency_key:
            return await self._execute(call, access, None)
        keyed = KeyedRequest(access.livemode, call.idempotency_key, call.path, call.parameters)
        with self.parts.idempotency.hold(keyed):
            if saved := self.parts.idempotency.saved(keyed):
                headers = {"Idempotent-Replayed": "true", "Original-Request": saved.request_id}
                return await self._sent(call, Answer(saved.status, saved.body, headers))
            return await self._execute(call, access, keyed)

    async def _execute(self, call: Call, access: Access, keyed: KeyedRequest | None) -> Answer:
        if latency := self.parts.limits.settings.latency_ms:
            await asyncio.sleep(latency / 1000)
        if call.fault_is("pay_first"):
            self._pay_first(call)
        try:
            with self.parts.store.transaction():
                answer = self._run(call, access)
                if keyed:
                    saved = SavedAnswer(answer.status, answer.body, call.request_id)
                    self.parts.idempotency.save(keyed, saved)
        except StripeError as refusal:  # undone, and not saved for a replay
            answer = self._refused(call, refusal)
        return await self._sent(call, answer)

    def _pay_first(self, call: Call) -> None:
        # What is no longer open, or a request that names nothing, leaves nothing to pay.
        with suppress(KeyError, PaymentRefusedError, LinkClosedError):
            if link_id := _named(_LINKS, call.path):
                self.parts.payments.pay(self.parts.visits.open(link_id)["id"])
            else:
                self.parts.payments.pay(_named(_SESSIONS, call.path) or "")

    def _run(self, call: Call, access: Access) -> Answer:
        if call.fault_is("500"):
            return self._refused(call, server_error())
        body = self.parts.endpoints.run(access, call.method, call.path, call.parameters)
        if call.fault_is("500_after_commit"):
            return self._refused(call, server_error())
        return Answer(200, body)

    async def _sent(self, call: Call, answer: Answer) -> Answer:
        match call.fault:
            case Fault("slow", seconds):
                await self.parts.faults.hold(seconds)
            case Fault("drop_after"):
                raise DropConnection
        return answer

    def _refused(self, call: Call, refusal: StripeError) -> Answer:
        log_url = f"https://dashboard.stripe.com/test/logs/{call.request_id}?t={self.parts.clock.epoch()}"
        return Answer(refusal.status, refusal.body(log_url), refusal.headers)

    def _response(self, call: Call, answer: Answer, request: Request) -> Response:
        headers = {"Request-Id": call.request_id, **answer.headers}
        if version := request.headers.get("stripe-version"):
            headers["Stripe-Version"] = version
        if call.idempotency_key and len(call.idempotency_key) < 256:  # noqa: PLR2004 - echoed unless refused as too long
            headers["Idempotency-Key"] = call.idempotency_key
        return JSONResponse(with_host(answer.body, self.base_url), answer.status, headers)

    def _log(self, call: Call, answer: Answer | None) -> None:
        if answer and answer.status == HTTPStatus.UNAUTHORIZED:
            return  # who may not come in writes nothing here
        session_id, object_id = _named(_SESSIONS, call.path), _named(_LINKS, call.path)
        if answer and answer.body.get("object") == "checkout.session":
            session_id = answer.body["id"]
        elif answer and answer.body.get("object") == "payment_link":
            object_id = answer.body["id"]
        self.parts.store.log_request(
            {
                "at": self.parts.clock.now(),
                "method": call.method,
                "path": call.path,
                "parameters": call.parameters,
                "idempotency_key": call.idempotency_key,
                "status": answer.status if answer else None,
                "fault": call.fault.name if call.fault else None,
                "session_id": session_id,
                "object_id": session_id or object_id,
            }
        )


def with_host(body: Json, base_url: str) -> Json:
    """Return an answer's body with the host put before the URLs of sessions and links, which are stored without one."""
    if body.get("object") == "list":
        return body | {"data": [with_host(item, base_url) for item in body["data"]]}
    if body.get("object") in {"checkout.session", "payment_link"} and body["url"]:
        return body | {"url": base_url + body["url"]}
    return body


def _named(prefix: str, path: str) -> str | None:
    return path.removeprefix(prefix).partition("/")[0] if path.startswith(prefix) else None


async def _encoded_parameters(request: Request) -> str:
    if request.method == "GET":
        return request.url.query
    body = await request.body()
    content_type = request.headers.get("content-type", _FORM).partition(";")[0].strip()
    if body and content_type != _FORM:
        raise invalid(f"Invalid request: the content type must be {_FORM}, was {content_type}.")
    try:
        return body.decode()
    except UnicodeDecodeError as problem:
        raise invalid("Invalid request body: not UTF-8.") from problem
