"""The parameters of the payment-link endpoints."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from deployments.local.stripe_standin.fields import (
    Boolean,
    Integer,
    Listed,
    Metadata,
    MetadataChange,
    Text,
    Unsettable,
    Url,
    at_least,
    at_most,
    one_of,
    refuse,
)
from deployments.local.stripe_standin.params import Expandable, Paged, PriceData, Strict

_NOT_MODELLED = frozenset({
    "application_fee_amount", "application_fee_percent", "automatic_tax", "consent_collection", "custom_fields",
    "custom_text", "customer_creation", "invoice_creation", "name_collection", "on_behalf_of", "optional_items",
    "payment_method_collection", "payment_method_options", "payment_method_types", "phone_number_collection",
    "shipping_address_collection", "subscription_data", "tax_id_collection", "transfer_data",
})  # fmt: skip


class LinkLineItem(Strict):
    """One line of the link's payment page: an inline price, or the id of one."""

    not_modelled = frozenset({"adjustable_quantity"})
    price: Text | None = None
    price_data: PriceData | None = None
    quantity: Annotated[Integer, at_least(1)]

    @model_validator(mode="after")
    def _check_price(self) -> LinkLineItem:
        if self.price and self.price_data:
            raise refuse("", "You may only specify one of these parameters: price, price_data.")
        if not self.price and not self.price_data:
            raise refuse("parameter_missing", "You must specify either `price` or `price_data` for each line item.")
        return self


class Redirect(Strict):
    """Where the payer goes after paying."""

    url: Url


class HostedConfirmation(Strict):
    """What Stripe's own page says after paying."""

    custom_message: Annotated[Text, at_most(500)] | None = None


class AfterCompletion(Strict):
    """What the payer sees after paying."""

    type: Annotated[Text, one_of("hosted_confirmation", "redirect")]
    hosted_confirmation: HostedConfirmation | None = None
    redirect: Redirect | None = None

    @model_validator(mode="after")
    def _check_type(self) -> AfterCompletion:
        other = "redirect" if self.type == "hosted_confirmation" else "hosted_confirmation"
        if getattr(self, other) is not None:
            raise refuse("", f"You cannot pass `{other}` with `type={self.type}`.", name=other)
        if self.type == "redirect" and self.redirect is None:
            raise refuse("parameter_missing", "Missing required param: {param}.", name="redirect")
        return self


class CompletedSessions(Strict):
    """How many sessions of the link may be completed."""

    limit: Annotated[Integer, at_least(1)]


class Restrictions(Strict):
    """What ends a link."""

    completed_sessions: CompletedSessions


class NewPaymentData(Strict):
    """What the payment intents of the link's sessions take over."""

    not_modelled = frozenset({
        "capture_method", "setup_future_usage", "statement_descriptor", "statement_descriptor_suffix", "transfer_group",
    })  # fmt: skip
    description: Annotated[Text, at_most(1000)] | None = None
    metadata: Metadata = Field(default_factory=dict)


class PaymentDataChange(Strict):
    """The same, of an update."""

    not_modelled = NewPaymentData.not_modelled - {"capture_method"}
    description: Annotated[Annotated[Text, at_most(1000)] | None, Unsettable] = None
    metadata: MetadataChange = Field(default_factory=dict)


class _Link(Expandable):
    after_completion: AfterCompletion | None = None
    allow_promotion_codes: Boolean | None = None
    billing_address_collection: Annotated[Text, one_of("auto", "required")] | None = None
    submit_type: Annotated[Text, one_of("auto", "book", "donate", "pay", "subscribe")] | None = None


class CreateLink(_Link):
    """POST /v1/payment_links."""

    not_modelled = _NOT_MODELLED | {"currency", "managed_payments", "shipping_options"}
    line_items: Annotated[list[LinkLineItem], Listed]
    inactive_message: Annotated[Text, at_most(500)] | None = None
    metadata: Metadata = Field(default_factory=dict)
    payment_intent_data: NewPaymentData | None = None
    restrictions: Restrictions | None = None


class UpdateLink(_Link):
    """POST /v1/payment_links/{id}: what is left out stays as it is."""

    not_modelled = _NOT_MODELLED | {"line_items", "shipping_options"}
    active: Boolean | None = None
    inactive_message: Annotated[Annotated[Text, at_most(500)] | None, Unsettable] = None
    metadata: MetadataChange = Field(default_factory=dict)
    payment_intent_data: PaymentDataChange | None = None
    restrictions: Annotated[Restrictions | None, Unsettable] = None


class ListLinks(Paged):
    """GET /v1/payment_links."""

    active: Boolean | None = None
