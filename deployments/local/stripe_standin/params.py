"""The parameters that each endpoint takes, and their refusals in Stripe's words."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from deployments.local.stripe_standin.errors import StripeError, invalid
from deployments.local.stripe_standin.fields import (
    Boolean,
    Email,
    Integer,
    Listed,
    Metadata,
    Text,
    Url,
    at_least,
    at_most,
    one_of,
    refuse,
)
from deployments.local.stripe_standin.forms import bracketed

_LOCALES = (
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr",
    "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl",
    "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
)  # fmt: skip


class Strict(BaseModel):
    """Refuse unknown names; tell names that Stripe knows and this stand-in leaves out from names nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    not_modelled: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_not_modelled(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            raise refuse("parameter_invalid_map", "Invalid object: {param} must be a map")
        for name in raw:
            if name in cls.not_modelled:
                raise refuse("", f"The stand-in does not model `{name}`; Stripe itself may take it.", name=name)
        return raw


class ProductData(Strict):
    """What is paid for."""

    not_modelled = frozenset({"images", "tax_code", "tax_details", "unit_label"})
    name: Text
    description: Text | None = None
    metadata: Metadata = {}


class PriceData(Strict):
    """An inline price; `unit_amount` in the currency's smallest unit."""

    not_modelled = frozenset({"product", "recurring", "tax_behavior", "unit_amount_decimal"})
    currency: Text
    product_data: ProductData
    unit_amount: Annotated[Integer, at_least(0)]


class LineItem(Strict):
    """One line of the checkout page."""

    not_modelled = frozenset({"adjustable_quantity", "price", "tax_rates"})
    price_data: PriceData
    quantity: Annotated[Integer, at_least(1)]
    metadata: Metadata = {}


class AdaptivePricing(Strict):
    """Whether Stripe may show the amount in the payer's own currency."""

    enabled: Boolean | None = None


class Recovery(Strict):
    """Whether an expired session can be recovered by its payer."""

    enabled: Boolean
    allow_promotion_codes: Boolean = False


class AfterExpiration(Strict):
    """What happens after expiry."""

    recovery: Recovery | None = None


class PaymentIntentData(Strict):
    """What the session's payment intent takes over."""

    not_modelled = frozenset({
        "application_fee_amount", "capture_method", "on_behalf_of", "setup_future_usage", "shipping",
        "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group",
    })  # fmt: skip
    description: Text | None = None
    metadata: Metadata = {}
    receipt_email: Email | None = None


class Expandable(Strict):
    """An endpoint that takes `expand[]`."""

    expand: Annotated[list[Text], Listed] = []


class CreateSession(Expandable):
    """POST /v1/checkout/sessions."""

    not_modelled = frozenset({
        "allow_promotion_codes", "allowed_payment_method_types", "automatic_tax", "billing_address_collection",
        "branding_settings", "consent_collection", "currency", "custom_fields", "custom_text", "customer",
        "customer_account", "customer_creation", "customer_update", "discounts", "excluded_payment_method_types",
        "integration_identifier", "invoice_creation", "managed_payments", "name_collection", "optional_items",
        "origin_context", "payment_method_collection", "payment_method_configuration", "payment_method_data",
        "payment_method_options", "permissions", "phone_number_collection", "redirect_on_completion", "return_url",
        "saved_payment_method_options", "setup_intent_data", "shipping_address_collection", "shipping_options",
        "subscription_data", "tax_id_collection", "wallet_options",
    })  # fmt: skip
    mode: Annotated[Text, one_of("payment", "setup", "subscription")]
    line_items: Annotated[list[LineItem], Listed]
    success_url: Url
    cancel_url: Url | None = None
    ui_mode: Annotated[Text, one_of("elements", "embedded_page", "form", "hosted_page")] = "hosted_page"
    adaptive_pricing: AdaptivePricing | None = None
    after_expiration: AfterExpiration | None = None
    client_reference_id: Annotated[Text, at_most(200)] | None = None
    customer_email: Email | None = None
    expires_at: Integer | None = None
    locale: Annotated[Text, one_of(*_LOCALES)] | None = None
    metadata: Metadata = {}
    payment_intent_data: PaymentIntentData = PaymentIntentData.model_construct(metadata={})
    submit_type: Annotated[Text, one_of("auto", "book", "donate", "pay")] | None = None


class Created(Strict):
    """A range of creation times, in Unix seconds."""

    gt: Integer | None = None
    gte: Integer | None = None
    lt: Integer | None = None
    lte: Integer | None = None


def _created(raw: object) -> object:
    return {"gte": raw, "lte": raw} if isinstance(raw, str) else raw


def _limit(value: int) -> int:
    largest = 100
    if not 1 <= value <= largest:
        raise refuse("parameter_invalid_integer", f"Invalid limit: must be between 1 and {largest}, was {value}")
    return value


class Paged(Expandable):
    """A list endpoint: newest first, a page at a time."""

    limit: Annotated[Integer, AfterValidator(_limit)] = 10
    starting_after: Text | None = None
    ending_before: Text | None = None

    @model_validator(mode="after")
    def _check_page(self) -> Paged:
        if self.starting_after and self.ending_before:
            raise refuse("parameter_invalid_string", "You may only specify one of starting_after and ending_before.")
        return self


class ListSessions(Paged):
    """GET /v1/checkout/sessions."""

    not_modelled = frozenset({"customer_account", "customer_details"})
    created: Annotated[Created, BeforeValidator(_created)] | None = None
    customer: Text | None = None
    payment_intent: Text | None = None
    payment_link: Text | None = None
    status: Annotated[Text, one_of("complete", "expired", "open")] | None = None
    subscription: Text | None = None


Parameters = TypeVar("Parameters", bound=Strict)


def read_parameters(model: type[Parameters], raw: dict[str, Any]) -> Parameters:
    """Check raw form parameters against an endpoint's model; raises StripeError with the first refusal."""
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        raise _translated(problem.errors(include_url=False)) from None


def _translated(details: list[ErrorDetails]) -> StripeError:
    unknown = [bracketed(detail["loc"]) for detail in details if detail["type"] == "extra_forbidden"]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
        return invalid(message, param=unknown[0], code="parameter_unknown")
    detail = details[0]
    param = bracketed(detail["loc"]) if detail["loc"] else ""
    if detail["type"] == "missing":
        return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")
    if detail["type"] != "stripe":
        return invalid(f"Invalid {param}: {detail['msg']}", param=param)
    context = detail["ctx"]
    if name := context.get("name"):
        param = bracketed((*detail["loc"], name))
    return invalid(context["message"].replace("{param}", param), param=param or None, code=context["code"] or None)
