from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from stripe import InvalidRequestError, RequestOptions, StripeClient
from stripe.checkout import Session
from stripe.params.checkout import SessionCreateParams
from stripe.params.checkout import _session_create_params as stripe_params

from deployments.local.stripe_standin import params
from deployments.local.stripe_standin.control import StandInControl

HOUR = 60 * 60


def refusal_of(create: Callable[..., Session], **changes: Any) -> InvalidRequestError:  # noqa: ANN401 - parameters
    with pytest.raises(InvalidRequestError) as caught:
        create(**changes)
    assert caught.value.http_status == 400
    assert caught.value.request_id
    return caught.value


def line(**price: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - parameters of any kind
    data = {"currency": "usd", "unit_amount": 5500, "product_data": {"name": "Spring Classic"}} | price
    return [{"price_data": {name: value for name, value in data.items() if value is not None}, "quantity": 1}]


def test_a_new_session_is_open_unpaid_and_payable_for_a_day(new_session: Callable[..., Session]) -> None:
    session = new_session()
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.currency) == (5500, 5500, "usd")
    assert session.expires_at == session.created + 24 * HOUR
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"order_id": "17", "attempt": "a"}
    assert session.client_reference_id == "order-17"
    assert session.livemode is False


def test_urls_are_as_long_as_stripes_own(new_session: Callable[..., Session], base_url: str) -> None:
    urls = [new_session().url or "" for _ in range(60)]
    assert all(url.startswith(f"{base_url}/c/pay/cs_test_") for url in urls)
    assert all(359 <= len(url) < 600 for url in urls)
    assert sum(len(url) > 500 for url in urls) > len(urls) / 2


def test_unknown_parameters_are_refused_by_name(new_session: Callable[..., Session]) -> None:
    error = refusal_of(new_session, colour="blue")
    assert (error.code, error.param) == ("parameter_unknown", "colour")
    error = refusal_of(new_session, line_items=line(price="12"))
    assert (error.code, error.param) == ("parameter_unknown", "line_items[0][price_data][price]")
    assert refusal_of(new_session, payment_method_types=["card"]).code == "parameter_unknown"


@pytest.mark.parametrize("name", ["mode", "success_url", "line_items"])
def test_required_parameters_are_named(stripe_client: StripeClient, parameters: dict[str, Any], name: str) -> None:
    del parameters[name]
    with pytest.raises(InvalidRequestError) as caught:
        stripe_client.v1.checkout.sessions.create(parameters)  # type: ignore[arg-type]  # incomplete on purpose
    assert (caught.value.code, caught.value.param) == ("parameter_missing", name)


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"success_url": "not a url"}, "success_url", "url_invalid"),
        ({"success_url": "ftp://example.org/"}, "success_url", "url_invalid"),
        ({"cancel_url": ""}, "cancel_url", "parameter_invalid_empty"),
        ({"mode": "gift"}, "mode", "parameter_invalid_enum"),
        ({"customer_email": "nobody"}, "customer_email", "email_invalid"),
        ({"locale": "tlh"}, "locale", "parameter_invalid_enum"),
        ({"expires_at": "tomorrow"}, "expires_at", "parameter_invalid_integer"),
        ({"adaptive_pricing": {"enabled": "no"}}, "adaptive_pricing[enabled]", "parameter_invalid_boolean"),
        ({"line_items": {"1": {"quantity": 1}}}, "line_items", "parameter_invalid_array"),
        ({"line_items": line(unit_amount=-1)}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        (
            {"line_items": line(unit_amount="1.5")},
            "line_items[0][price_data][unit_amount]",
            "parameter_invalid_integer",
        ),
        ({"line_items": line(unit_amount=None)}, "line_items[0][price_data][unit_amount]", "parameter_missing"),
        ({"line_items": line(unit_amount=49)}, "line_items", "amount_too_small"),
        ({"line_items": line(unit_amount=49, currency="eur")}, "line_items", "amount_too_small"),
        ({"line_items": line(unit_amount=100_000_000)}, "line_items", "amount_too_large"),
        ({"line_items": line() + line(currency="eur")}, "line_items", None),
        ({"client_reference_id": "x" * 201}, "client_reference_id", "parameter_invalid_string"),
        ({"metadata": {str(n): "x" for n in range(51)}}, "metadata", "metadata_too_many_keys"),
        ({"metadata": {"k" * 41: "x"}}, "metadata", "metadata_key_too_long"),
        ({"metadata": {"k": "x" * 501}}, "metadata", "metadata_value_too_long"),
        ({"metadata": {"a[b]": "x"}}, "metadata", None),
        ({"expand": ["customer.sources"]}, "expand", None),
    ],
    ids=str,
)
def test_bad_values_are_refused_with_the_parameters_name(
    new_session: Callable[..., Session], control: StandInControl, changes: dict[str, Any], param: str, code: str | None
) -> None:
    error = refusal_of(new_session, **changes)
    assert (error.param, error.code) == (param, code)
    assert control.sessions() == []


def test_limits_can_be_reached(new_session: Callable[..., Session]) -> None:
    session = new_session(
        client_reference_id="x" * 200,
        metadata={f"{n:040}": "v" * 500 for n in range(50)},
        line_items=line(unit_amount=99_999_999),
    )
    assert session.amount_total == 99_999_999
    assert session.metadata is not None
    assert len(session.metadata.to_dict()) == 50
    assert new_session(line_items=line(unit_amount=50)).amount_total == 50


def test_the_total_counts_not_the_single_line(new_session: Callable[..., Session]) -> None:
    assert refusal_of(new_session, line_items=line(unit_amount=50_000_000) * 2).code == "amount_too_large"
    assert new_session(line_items=line(unit_amount=25) * 2).amount_total == 50


def test_an_empty_metadata_value_unsets_its_key(new_session: Callable[..., Session]) -> None:
    metadata = new_session(metadata={"order_id": "17", "attempt": ""}).metadata
    assert metadata is not None
    assert metadata.to_dict() == {"order_id": "17"}


def test_an_unknown_currency_is_answered_with_those_that_are_known(new_session: Callable[..., Session]) -> None:
    error = refusal_of(new_session, line_items=line(currency="xyz"))
    assert error.param == "line_items[0][price_data][currency]"
    assert str(error.user_message).startswith("Invalid currency: xyz. Stripe currently supports these currencies: aed,")


def test_a_no_cost_order_is_taken_and_completes_without_a_payment(
    new_session: Callable[..., Session], control: StandInControl
) -> None:
    paid = control.pay(new_session(line_items=line(unit_amount=0)).id)
    assert (paid["status"], paid["payment_status"], paid["payment_intent"]) == ("complete", "no_payment_required", None)


@pytest.mark.parametrize("lifetime", [30 * 60 + 5, 24 * HOUR - 5])
def test_an_expiry_within_bounds_is_taken(
    new_session: Callable[..., Session], control: StandInControl, lifetime: int
) -> None:
    expires_at = int(control.now()) + lifetime
    assert new_session(expires_at=expires_at).expires_at == expires_at


@pytest.mark.parametrize("lifetime", [-5, 30 * 60 - 5, 24 * HOUR + 5, 30 * 24 * HOUR])
def test_an_expiry_out_of_bounds_is_refused(
    new_session: Callable[..., Session], control: StandInControl, lifetime: int
) -> None:
    error = refusal_of(new_session, expires_at=int(control.now()) + lifetime)
    assert (error.param, error.code) == ("expires_at", None)


def test_exactly_24_hours_is_refused(new_session: Callable[..., Session], control: StandInControl) -> None:
    def taken() -> bool:
        second = int(control.now())
        try:
            created = new_session(expires_at=second + 24 * HOUR).created
        except InvalidRequestError:
            return False
        return created == second

    # An attempt that is handled a second later than it was made for lives less than 24 hours, and is taken.
    assert not any(taken() for _ in range(20))
    assert len(control.sessions()) < 20


@pytest.mark.parametrize(
    "changes", [{"ui_mode": "embedded_page"}, {"mode": "subscription"}, {"discounts": [{}]}], ids=str
)
def test_what_stripe_has_and_the_stand_in_has_not_is_refused_as_such(
    new_session: Callable[..., Session], changes: dict[str, Any]
) -> None:
    if changes.get("discounts"):
        changes = {"discounts": [{"coupon": "spring"}]}
    error = refusal_of(new_session, **changes)
    assert "stand-in" in str(error.user_message)
    assert error.code is None


@pytest.mark.parametrize(
    ("model", "stripes"),
    [
        (params.CreateSession, SessionCreateParams),
        (params.LineItem, stripe_params.SessionCreateParamsLineItem),
        (params.PriceData, stripe_params.SessionCreateParamsLineItemPriceData),
        (params.ProductData, stripe_params.SessionCreateParamsLineItemPriceDataProductData),
        (params.PaymentIntentData, stripe_params.SessionCreateParamsPaymentIntentData),
        (params.Recovery, stripe_params.SessionCreateParamsAfterExpirationRecovery),
    ],
)
def test_every_parameter_of_the_sdk_is_modelled_or_known_not_to_be(model: type[params.Strict], stripes: type) -> None:
    names = set(stripes.__annotations__) - set(RequestOptions.__annotations__)
    assert set(model.model_fields) | model.not_modelled == names
