"""The parameters with which a link is asked for, of either kind; frozen in the ledger before the call."""

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
SWITCHED_OFF = (
    "This link is closed. If the fee is paid, there is nothing left to do. If it is not, please look for a newer email "
    "from the club."
)
"""What Stripe shows where a payment link was used or switched off."""


@dataclass(frozen=True)
class ReturnPages:
    """Where Stripe sends a parent after paying, and after giving up."""

    success: str
    cancel: str | None


def session_request(order: Order, charge: Charge, pages: ReturnPages, *, key: UUID, now: datetime) -> dict[str, Any]:
    """Return the create parameters for an order; the metadata leads from the session back to it."""
    metadata = _metadata(order, key)
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


def payment_link_request(order: Order, charge: Charge, pages: ReturnPages, *, key: UUID) -> dict[str, Any]:
    """Return the create parameters of a payment link for an order: one that can be used once.

    Stripe copies its metadata to each session that it makes, and that of `payment_intent_data` to their payments.
    """
    metadata = _metadata(order, key)
    return {
        "line_items": [{"quantity": 1, "price_data": _price(order, charge)}],
        "restrictions": {"completed_sessions": {"limit": 1}},
        "after_completion": {"type": "redirect", "redirect": {"url": pages.success}},
        "inactive_message": SWITCHED_OFF,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "expand": ["line_items"],
    }


def own_reference(reference: str | None) -> str | None:
    """Return the order's id in a client_reference_id of ours."""
    return reference.removeprefix(OWN_REFERENCE) if reference and reference.startswith(OWN_REFERENCE) else None


def _metadata(order: Order, key: UUID) -> dict[str, str]:
    return {ORDER_KEY: str(order.id), ATTEMPT_KEY: str(key)}


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
