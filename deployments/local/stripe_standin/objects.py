"""The objects that the stand-in gives out, with every member that Stripe's published schema requires."""

from __future__ import annotations

import random
import secrets
import string
from typing import Any

from deployments.local.stripe_standin.errors import invalid
from deployments.local.stripe_standin.fields import METADATA_KEYS, too_many_keys
from deployments.local.stripe_standin.params import CreateSession, LineItem
from deployments.local.stripe_standin.rules import DAY, total

Json = dict[str, Any]
_ALPHABET = string.ascii_letters + string.digits
_RANDOM = random.SystemRandom()
_ABSENT_IN_A_SESSION = (
    "after_expiration", "allow_promotion_codes", "billing_address_collection", "cancel_url", "client_reference_id",
    "client_secret", "collected_information", "consent", "consent_collection", "currency_conversion", "customer",
    "customer_account", "customer_details", "customer_email", "discounts", "integration_identifier", "invoice",
    "locale", "managed_payments", "origin_context", "payment_intent", "payment_link",
    "payment_method_configuration_details", "permissions", "recovered_from", "saved_payment_method_options",
    "setup_intent", "shipping_address_collection", "shipping_cost", "submit_type", "subscription", "success_url",
    "wallet_options",
)  # fmt: skip
_ABSENT_IN_A_PAYMENT_INTENT = (
    "application", "application_fee_amount", "automatic_payment_methods", "canceled_at",
    "cancellation_reason", "client_secret", "customer", "customer_account", "last_payment_error", "latest_charge",
    "next_action", "on_behalf_of", "payment_method", "payment_method_configuration_details", "processing", "review",
    "setup_future_usage", "shipping", "statement_descriptor", "statement_descriptor_suffix", "transfer_data",
    "transfer_group",
)  # fmt: skip


def new_id(prefix: str, length: int = 24) -> str:
    """Return a fresh id such as `pi_…`."""
    return prefix + "".join(_RANDOM.choices(_ALPHABET, k=length))


def session_object(params: CreateSession, *, livemode: bool, now: int) -> Json:
    """Return a new open session; its `url` has no host yet, since the stand-in's port may change between runs."""
    amount, currency = total(params.line_items), params.line_items[0].price_data.currency.lower()
    return open_session(amount, currency, livemode=livemode, now=now) | {
        "adaptive_pricing": {"enabled": bool(params.adaptive_pricing is None or params.adaptive_pricing.enabled)},
        "after_expiration": _after_expiration(params),
        "cancel_url": params.cancel_url,
        "client_reference_id": params.client_reference_id,
        "customer_details": customer_details(params.customer_email, None) if params.customer_email else None,
        "customer_email": params.customer_email,
        "expires_at": params.expires_at or now + DAY,
        "locale": params.locale,
        "metadata": params.metadata,
        "submit_type": params.submit_type,
        "success_url": params.success_url,
    }


def open_session(amount: int, currency: str, *, livemode: bool, now: int) -> Json:
    """Return what a new session is whatever it is made from."""
    id_ = new_id("cs_live_" if livemode else "cs_test_", 58)
    return dict.fromkeys(_ABSENT_IN_A_SESSION) | {
        "id": id_,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": True},
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": dict.fromkeys(["after_submit", "shipping_address", "submit", "terms_of_service_acceptance"]),
        "customer_creation": "if_required",
        "expires_at": now + DAY,
        "invoice_creation": no_invoice(),
        "livemode": livemode,
        "metadata": {},
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"/c/pay/{id_}#{_fragment()}",
    }


def no_invoice() -> Json:
    """Return `invoice_creation` of what makes no invoices."""
    absent = ["account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options"]
    return {"enabled": False, "invoice_data": dict.fromkeys(absent) | {"metadata": {}}}


def line_item_objects(items: list[LineItem], *, livemode: bool, now: int) -> list[Json]:
    """Return the session's line items."""
    return [_line_item(item, livemode=livemode, now=now) for item in items]


def payment_intent_object(session: Json, data: Json, *, amount: int, now: int) -> Json:
    """Return the payment intent of a session that is being paid; `data` is its `payment_intent_data`."""
    return dict.fromkeys(_ABSENT_IN_A_PAYMENT_INTENT) | {
        "id": new_id("pi_3"),
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "created": now,
        "currency": session["currency"],
        "description": data.get("description"),
        "livemode": session["livemode"],
        "metadata": data.get("metadata") or {},
        "payment_method_options": None,
        "payment_method_types": ["card"],
        "receipt_email": data.get("receipt_email"),
        "status": "requires_payment_method",
    }


def customer_details(email: str, name: str | None) -> Json:
    """Return what is known of the payer."""
    return dict.fromkeys(["address", "business_name", "individual_name", "phone"]) | {
        "email": email,
        "name": name,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def list_object(data: list[Json], *, has_more: bool, url: str) -> Json:
    """Return a page of a list."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def changed_metadata(old: dict[str, str], change: dict[str, str] | None, name: str = "metadata") -> dict[str, str]:
    """Return metadata after an update: an empty value unsets its key, None unsets all. Raises StripeError 400."""
    if change is None:
        return {}
    new = {key: value for key, value in (old | change).items() if value}
    if len(new) > METADATA_KEYS:
        raise invalid(too_many_keys(len(new)), param=name, code="metadata_too_many_keys")
    return new


def _after_expiration(params: CreateSession) -> Json | None:
    if params.after_expiration is None:
        return None
    recovery = params.after_expiration.recovery
    return {"recovery": recovery and {**recovery.model_dump(), "expires_at": None, "url": None}}


def _line_item(item: LineItem, *, livemode: bool, now: int) -> Json:
    amount = item.price_data.unit_amount * item.quantity
    currency = item.price_data.currency.lower()
    price = dict.fromkeys(["custom_unit_amount", "lookup_key", "nickname", "recurring", "tiers_mode"]) | {
        "id": new_id("price_1"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": currency,
        "livemode": livemode,
        "metadata": {},
        "product": new_id("prod_", 14),
        "tax_behavior": "unspecified",
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": item.price_data.unit_amount,
        "unit_amount_decimal": str(item.price_data.unit_amount),
    }
    return {
        "id": new_id("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": currency,
        "description": item.price_data.product_data.name,
        "metadata": item.metadata,
        "price": price,
        "quantity": item.quantity,
    }


def _fragment() -> str:
    # Real URLs were measured at 359 to 541 characters, most over 500; id, host and path take about 100 of them here.
    shortest, usual, longest = 275, 425, 460
    length = _RANDOM.randint(usual, longest) if _RANDOM.random() < 0.8 else _RANDOM.randint(shortest, usual)  # noqa: PLR2004 - the share of long ones
    return "fid" + secrets.token_urlsafe(longest)[: length - 3]
