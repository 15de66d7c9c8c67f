"""The hosted payment pages: what a payer sees behind a session's URL and a payment link's.

Who has a page's address may see it and pay, as at Stripe. Only a POST from a session's own page pays. A GET of a
payment link opens a session and goes on to its page, as a browser's visit does there.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from deployments.local.stripe_standin.link_objects import STRIPES_OWN_PAGE
from deployments.local.stripe_standin.link_visits import LinkClosedError
from deployments.local.stripe_standin.money import money
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.parts import Parts
from deployments.local.stripe_standin.payments import PaymentRefusedError

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
_TITLES = {
    "missing": "Page not found",
    "open": "Pay",
    "expired": "This link has expired",
    "used": "This link has been used",
    "off": "This link has been switched off",
    "processing": "Thank you, your bank transfer is on its way",
    "failed": "Your bank transfer did not go through",
    "no_payment_required": "Thank you, there was nothing to pay",
    "paid": "Thank you, this has been paid",
}
_PAGE = {"Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'none'"}
_THANKS = ("processing", "no_payment_required", "paid")
_STATUS = {"missing": 404, "expired": 410, "used": 410, "off": 410}


def page_routes(parts: Parts) -> list[Route]:
    """Return the payment pages' routes."""

    async def show(request: Request) -> Response:
        return _session_page(parts, request.path_params["id"])

    async def pay(request: Request) -> Response:
        id_ = request.path_params["id"]
        slow = (await request.body()).decode(errors="replace") == "method=bank_transfer"
        try:
            session = parts.payments.pay(id_, slow=slow)
        except (KeyError, PaymentRefusedError):
            return _session_page(parts, id_)
        return RedirectResponse(_after_payment(session), 303)

    async def visit(request: Request) -> Response:
        return _visited(parts, request)

    return [
        Route("/c/pay/{id}", show, methods=["GET"]),
        Route("/c/pay/{id}", pay, methods=["POST"]),
        Route("/b/{slug}", visit, methods=["GET"]),
    ]


def _visited(parts: Parts, request: Request) -> Response:
    link = parts.links.find_by_path(request.url.path)
    if link is None:
        return _page("missing")
    if request.method == "HEAD":  # no browser's visit
        return Response(headers={"Cache-Control": "no-store"})
    try:
        session = parts.visits.open(link["id"], request.query_params.get("client_reference_id"))
    except LinkClosedError:
        state = "used" if parts.links.used_up(link["id"]) else "off"
        return _page(state, message=link["inactive_message"])
    return RedirectResponse(session["url"], 303, {"Cache-Control": "no-store"})


def _session_page(parts: Parts, id_: str) -> Response:
    session = parts.sessions.find(id_)
    if session is None:
        return _page("missing")
    state = _state(parts, session)
    return _page(
        state,
        message=_message(parts, session, state),
        amount=money(session["amount_total"], session["currency"]),
        items=[
            {
                "name": item["description"],
                "quantity": item["quantity"],
                "amount": money(item["amount_total"], item["currency"]),
            }
            for item in parts.sessions.line_items(id_)
        ],
        back=_own(session["cancel_url"]),
        onward=_own(_success_url(session)),
    )


def _page(state: str, message: str | None = None, **more: object) -> Response:
    html = _PAGES.get_template("pay_page.html").render(state=state, title=_TITLES[state], message=message, **more)
    return HTMLResponse(html, _STATUS.get(state, 200), _PAGE)


def _state(parts: Parts, session: Json) -> str:
    match session["status"], session["payment_status"]:
        case "open", _:
            return "used" if parts.visits.problem_of(session) else "open"
        case "complete", "unpaid":
            intent = parts.sessions.find_payment_intent(session["payment_intent"])
            return "processing" if intent and intent["status"] == "processing" else "failed"
        case "complete", paid:
            return str(paid)
    return "expired"


def _message(parts: Parts, session: Json, state: str) -> str | None:
    link = parts.links.find(session["payment_link"]) if session["payment_link"] else None
    if link is None:
        return None
    confirmation = link["after_completion"].get("hosted_confirmation", {})
    messages = {"used": link["inactive_message"]} | dict.fromkeys(_THANKS, confirmation.get("custom_message"))
    return messages.get(state)


def _own(url: str | None) -> str | None:
    return None if url == STRIPES_OWN_PAGE else url  # there Stripe's page is the end of the way


def _success_url(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _after_payment(session: Json) -> str:
    # Invented addresses such as example.org lead nowhere: there our own page says what happened.
    target = _success_url(session)
    return target if _is_loopback(urlsplit(target).hostname or "") else f"/c/pay/{session['id']}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
