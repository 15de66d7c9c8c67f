"""The hosted payment page: what a payer sees behind a session's URL. Only a POST from the page itself pays."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from deployments.local.stripe_standin.money import money
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.parts import Parts
from deployments.local.stripe_standin.payments import PaymentRefusedError

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
_STATUS = {"open": 200, "complete": 200, "expired": 410}


def page_routes(parts: Parts, base_url: str) -> list[Route]:
    """Return the payment page's routes."""

    async def show(request: Request) -> Response:
        return _page(parts, parts.sessions.find(request.path_params["id"]))

    async def pay(request: Request) -> Response:
        id_ = request.path_params["id"]
        origin = request.headers.get("origin", base_url)
        if urlsplit(origin).netloc != request.url.netloc:
            return HTMLResponse("<p>This page can be paid only from itself.</p>", 403)
        slow = (await request.body()).decode(errors="replace") == "method=bank_transfer"
        try:
            session = parts.payments.pay(id_, slow=slow)
        except (KeyError, PaymentRefusedError):
            return _page(parts, parts.sessions.find(id_))
        return RedirectResponse(_after_payment(session), 303)

    return [
        Route("/c/pay/{id}", show, methods=["GET"]),
        Route("/c/pay/{id}", pay, methods=["POST"]),
    ]


def _page(parts: Parts, session: Json | None) -> Response:
    template = _PAGES.get_template("pay_page.html")
    if session is None:
        return HTMLResponse(template.render(session=None, title="Page not found"), 404)
    html = template.render(
        session=session,
        title={"open": "Pay", "complete": "Payment received", "expired": "This link has expired"}[session["status"]],
        amount=money(session["amount_total"], session["currency"]),
        items=[
            {
                "name": item["description"],
                "quantity": item["quantity"],
                "amount": money(item["amount_total"], item["currency"]),
            }
            for item in parts.sessions.line_items(session["id"])
        ],
        success_url=_success_url(session),
    )
    return HTMLResponse(html, _STATUS[session["status"]], {"Cache-Control": "no-store"})


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
