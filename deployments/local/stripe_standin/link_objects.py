"""Payment links and the sessions that they make, with every member that Stripe's published schema requires."""

from __future__ import annotations

import re

from deployments.local.stripe_standin.link_params import CreateLink, LinkLineItem, UpdateLink
from deployments.local.stripe_standin.objects import Json, changed_metadata, new_id, no_invoice, open_session
from deployments.local.stripe_standin.params import LineItem

# What sessions of payment links were seen to carry where no address of one's own is set.
STRIPES_OWN_PAGE = "https://stripe.com"
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_ABSENT_IN_A_LINK = (
    "application", "application_fee_amount", "application_fee_percent", "consent_collection", "managed_payments",
    "on_behalf_of", "optional_items", "payment_method_options", "payment_method_types", "shipping_address_collection",
    "subscription_data", "transfer_data",
)  # fmt: skip
_ABSENT_IN_PAYMENT_DATA = (
    "capture_method", "setup_future_usage", "statement_descriptor", "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip


def line_items_of(params: CreateLink) -> list[LineItem]:
    """Return a new link's lines as a session has them; only for lines whose price is inline."""
    return [_line_item(item) for item in params.line_items]


def link_object(params: CreateLink, currency: str, *, livemode: bool) -> Json:
    """Return a new active link; its `url` has no host yet, since the stand-in's port may change between runs."""
    slug = new_id("" if livemode else "test_", 18)
    return dict.fromkeys(_ABSENT_IN_A_LINK) | {
        "id": new_id("plink_1", 23),
        "object": "payment_link",
        "active": True,
        "after_completion": _after_completion(params),
        "allow_promotion_codes": bool(params.allow_promotion_codes),
        "automatic_tax": {"enabled": False, "liability": None},
        "billing_address_collection": params.billing_address_collection or "auto",
        "currency": currency,
        "custom_fields": [],
        "custom_text": dict.fromkeys(["after_submit", "shipping_address", "submit", "terms_of_service_acceptance"]),
        "customer_creation": "if_required",
        "inactive_message": params.inactive_message,
        "invoice_creation": no_invoice(),
        "livemode": livemode,
        "metadata": params.metadata,
        "payment_intent_data": _payment_data(params),
        "payment_method_collection": "if_required",
        "phone_number_collection": {"enabled": False},
        "restrictions": _restrictions(params),
        "shipping_options": [],
        "submit_type": params.submit_type or "auto",
        "tax_id_collection": {"enabled": False, "required": "never"},
        "url": f"/b/{slug}",
    }


def changed_link(link: Json, params: UpdateLink) -> Json:
    """Return a link as an update leaves it."""
    given = params.model_fields_set
    changed: Json = {
        name: getattr(params, name)
        for name in ("active", "allow_promotion_codes", "billing_address_collection", "submit_type", "inactive_message")
        if name in given
    }
    if "after_completion" in given:
        changed["after_completion"] = _after_completion(params)
    if "restrictions" in given:
        changed["restrictions"] = _restrictions(params)
    if params.payment_intent_data:
        changed["payment_intent_data"] = _changed_payment_data(link["payment_intent_data"], params)
    return link | changed | {"metadata": changed_metadata(link["metadata"], params.metadata)}


def session_of(link: Json, line_items: list[Json], reference: str | None, *, now: int) -> Json:
    """Return a new session of a link; a `reference` that Stripe would not take from a URL is left out, as it does."""
    amount = sum(item["amount_total"] for item in line_items)
    redirect = link["after_completion"].get("redirect")
    return open_session(amount, link["currency"], livemode=link["livemode"], now=now) | {
        "allow_promotion_codes": link["allow_promotion_codes"],
        "billing_address_collection": link["billing_address_collection"],
        "cancel_url": STRIPES_OWN_PAGE,
        "client_reference_id": reference if _REFERENCE.fullmatch(reference or "") else None,
        "locale": "auto",
        "metadata": link["metadata"],
        "payment_link": link["id"],
        "submit_type": link["submit_type"],
        "success_url": redirect["url"] if redirect else STRIPES_OWN_PAGE,
    }


def own_items(line_items: list[Json]) -> list[Json]:
    """Return a link's line items as those of one of its sessions: of the same prices, with ids of their own."""
    return [item | {"id": new_id("li_1")} for item in line_items]


def _line_item(item: LinkLineItem) -> LineItem:
    if item.price_data is None:
        raise ValueError("a price id is refused before its line is read")
    return LineItem.model_construct(price_data=item.price_data, quantity=item.quantity, metadata={})


def _after_completion(params: CreateLink | UpdateLink) -> Json:
    wanted = params.after_completion
    if wanted and wanted.redirect:
        return {"type": "redirect", "redirect": {"url": wanted.redirect.url}}
    message = wanted.hosted_confirmation.custom_message if wanted and wanted.hosted_confirmation else None
    return {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": message}}


def _restrictions(params: CreateLink | UpdateLink) -> Json | None:
    if params.restrictions is None:
        return None
    return {"completed_sessions": {"count": 0, "limit": params.restrictions.completed_sessions.limit}}


def _payment_data(params: CreateLink) -> Json | None:
    if params.payment_intent_data is None:
        return None
    return dict.fromkeys(_ABSENT_IN_PAYMENT_DATA) | params.payment_intent_data.model_dump()


def _changed_payment_data(old: Json | None, params: UpdateLink) -> Json | None:
    change = params.payment_intent_data
    if change is None:
        return old
    data: Json = old or dict.fromkeys((*_ABSENT_IN_PAYMENT_DATA, "description")) | {"metadata": {}}
    if "description" in change.model_fields_set:
        data = data | {"description": change.description}
    name = "payment_intent_data[metadata]"
    return data | {"metadata": changed_metadata(data["metadata"], change.metadata, name)}
