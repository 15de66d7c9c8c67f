"""The parameters with which a Checkout Session is asked for; frozen in the ledger before the call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tasks.links.model import Charge, Order

LIFETIME = timedelta(hours=23, minutes=50)
"""Stripe allows 24 hours and may refuse just that: the margin covers a clock that is ahead of Stripe's."""

ORDER_KEY = "tournament_fees_order"
ATTEMPT_KEY = "tournament_fees_attempt"
OWN_REFERENCE = "order-"
LONGEST_NAME = 250


@dataclass(frozen=True)
class ReturnPages:
    """Where Stripe sends a parent after paying, and after giving up."""

    success: str
    cancel: str | None


def session_request(order: Order, charge: Charge, pages: ReturnPages, *, key: UUID, now: datetime) -> dict[str, Any]:
    """Return the create parameters for an order; the metadata leads from the session back to it."""
    metadata = {ORDER_KEY: str(order.id), ATTEMPT_KEY: str(key)}
    request: dict[str, Any] = {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": _price(order, charge)}],
        "success_url": pages.success,
        "expires_at": int((now + LIFETIME).timestamp()),
        "client_reference_id": f"{OWN_REFERENCE}{order.id}",
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "adaptive_pricing": {"enabled": False},
    }
    return request | ({"cancel_url": pages.cancel} if pages.cancel else {})


def own_reference(reference: str | None) -> str | None:
    """Return the order's id in a client_reference_id of ours."""
    return reference.removeprefix(OWN_REFERENCE) if reference and reference.startswith(OWN_REFERENCE) else None


def _price(order: Order, charge: Charge) -> dict[str, Any]:
    return {
        "currency": order.currency.lower(),
        "unit_amount": int(order.amount),
        "product_data": {
            "name": _line(charge.product) or "Tournament fee",
            "description": _line(charge.player) or "Player",
        },
    }


def _line(name: str) -> str:
    """Return a name as one printable line of a length that Stripe takes."""
    printable = "".join(character if character.isprintable() else " " for character in name)
    return " ".join(printable.split())[:LONGEST_NAME]
