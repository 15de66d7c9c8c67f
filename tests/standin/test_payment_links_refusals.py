from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from stripe import InvalidRequestError, PaymentLink, RateLimitError, RequestOptions, StripeClient
from stripe import PermissionError as StripePermissionError
from stripe.params import _payment_link_create_params as create_params
from stripe.params import _payment_link_list_params as list_params
from stripe.params import _payment_link_update_params as update_params

from deployments.local.stripe_standin import link_params, params
from deployments.local.stripe_standin.control import StandInControl

NewLink = Callable[..., PaymentLink]


def line(**price: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - parameters of any kind
    data = {"currency": "usd", "unit_amount": 5500, "product_data": {"name": "Spring Classic"}} | price
    return [{"price_data": {name: value for name, value in data.items() if value is not None}, "quantity": 1}]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"colour": "blue"}, "colour", "parameter_unknown"),
        ({"adaptive_pricing": {"enabled": False}}, "adaptive_pricing", "parameter_unknown"),
        ({"client_reference_id": "order-17"}, "client_reference_id", "parameter_unknown"),
        ({"expires_at": 2_000_000_000}, "expires_at", "parameter_unknown"),
        ({"active": False}, "active", "parameter_unknown"),
        ({"line_items": []}, "line_items", "parameter_missing"),
        ({"line_items": line() * 21}, "line_items", None),
        ({"line_items": [{"price": "price_unknown", "quantity": 1}]}, "line_items[0][price]", "resource_missing"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0]", "parameter_missing"),
        ({"line_items": [line()[0] | {"price": "price_1"}]}, "line_items[0]", None),
        ({"line_items": [line()[0] | {"quantity": 0}]}, "line_items[0][quantity]", "parameter_invalid_integer"),
        ({"line_items": [line()[0] | {"quantity": None}]}, "line_items[0][quantity]", "parameter_missing"),
        ({"line_items": [line()[0] | {"metadata": {"a": "b"}}]}, "line_items[0][metadata]", "parameter_unknown"),
        ({"line_items": line(unit_amount=49)}, "line_items", "amount_too_small"),
        ({"line_items": line(unit_amount=100_000_000)}, "line_items", "amount_too_large"),
        ({"line_items": line() + line(currency="eur")}, "line_items", None),
        ({"line_items": line(currency="xyz")}, "line_items[0][price_data][currency]", None),
        (
            {"line_items": line(unit_amount="1.5")},
            "line_items[0][price_data][unit_amount]",
            "parameter_invalid_integer",
        ),
        (
            {"restrictions": {"completed_sessions": {"limit": 0}}},
            "restrictions[completed_sessions][limit]",
            "parameter_invalid_integer",
        ),
        ({"restrictions": {"completed_sessions": {"count": 1}}}, "restrictions[completed_sessions][count]", None),
        ({"restrictions": ""}, "restrictions", "parameter_invalid_map"),
        ({"metadata": {str(n): "x" for n in range(51)}}, "metadata", "metadata_too_many_keys"),
        ({"metadata": {"k" * 41: "x"}}, "metadata", "metadata_key_too_long"),
        ({"metadata": {"k": "x" * 501}}, "metadata", "metadata_value_too_long"),
        (
            {"payment_intent_data": {"metadata": {"k": "x" * 501}}},
            "payment_intent_data[metadata]",
            "metadata_value_too_long",
        ),
        (
            {"payment_intent_data": {"description": "x" * 1001}},
            "payment_intent_data[description]",
            "parameter_invalid_string",
        ),
        (
            {"payment_intent_data": {"receipt_email": "robin@example.com"}},
            "payment_intent_data[receipt_email]",
            "parameter_unknown",
        ),
        ({"inactive_message": "x" * 501}, "inactive_message", "parameter_invalid_string"),
        ({"inactive_message": ""}, "inactive_message", "parameter_invalid_empty"),
        ({"after_completion": {"type": "redirect"}}, "after_completion[redirect]", "parameter_missing"),
        ({"after_completion": {"type": "dance"}}, "after_completion[type]", "parameter_invalid_enum"),
        (
            {"after_completion": {"type": "redirect", "redirect": {"url": "paid"}}},
            "after_completion[redirect][url]",
            "url_invalid",
        ),
        (
            {"after_completion": {"type": "hosted_confirmation", "redirect": {"url": "https://club.example.org/"}}},
            "after_completion[redirect]",
            None,
        ),
        ({"submit_type": "subscribe"}, "submit_type", None),
        ({"expand": ["application"]}, "expand", None),
    ],
    ids=str,
)
def test_bad_values_are_refused_with_the_parameters_name(
    new_link: NewLink, control: StandInControl, changes: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        new_link(**changes)
    assert (caught.value.http_status, caught.value.param) == (400, param)
    assert code in {None, caught.value.code}
    assert control.payment_links() == []


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"colour": "blue"}, "colour", "parameter_unknown"),
        ({"currency": "eur"}, "currency", "parameter_unknown"),
        ({"active": "perhaps"}, "active", "parameter_invalid_boolean"),
        ({"restrictions": {"completed_sessions": {"limit": -1}}}, "restrictions[completed_sessions][limit]", None),
        ({"payment_intent_data": ""}, "payment_intent_data", "parameter_invalid_map"),
        ({"after_completion": ""}, "after_completion", "parameter_invalid_map"),
        ({"metadata": {"k" * 41: "x"}}, "metadata", "metadata_key_too_long"),
        ({"payment_intent_data": {"capture_method": "manual"}}, "payment_intent_data[capture_method]", None),
        ({"submit_type": "subscribe"}, "submit_type", None),
    ],
    ids=str,
)
def test_bad_updates_are_refused_and_change_nothing(
    stripe_client: StripeClient,
    new_link: NewLink,
    control: StandInControl,
    changes: dict[str, Any],
    param: str,
    code: str | None,
) -> None:
    link = new_link()
    before = control.payment_links()
    with pytest.raises(InvalidRequestError) as caught:
        stripe_client.v1.payment_links.update(link.id, {"metadata": {"a": "b"}} | changes)  # type: ignore[arg-type]  # wrong on purpose
    assert (caught.value.http_status, caught.value.param) == (400, param)
    assert code in {None, caught.value.code}
    assert control.payment_links() == before


@pytest.mark.parametrize(
    "changes",
    [{"payment_method_types": ["card"]}, {"customer_creation": "always"}, {"automatic_tax": {"enabled": True}}],
    ids=str,
)
def test_what_stripe_has_and_the_stand_in_has_not_is_refused_as_such(
    stripe_client: StripeClient, new_link: NewLink, changes: dict[str, Any]
) -> None:
    link = new_link()
    attempts: list[Callable[[], object]] = [
        lambda: new_link(**changes),
        lambda: stripe_client.v1.payment_links.update(link.id, changes),  # type: ignore[arg-type]  # as listed above
    ]
    for attempt in attempts:
        with pytest.raises(InvalidRequestError, match="stand-in does not model"):
            attempt()


@pytest.mark.parametrize(
    ("filters", "param", "code"),
    [
        ({"limit": 101}, "limit", "parameter_invalid_integer"),
        ({"created": {"gte": 5}}, "created", "parameter_unknown"),
        ({"metadata": {"order_id": "17"}}, "metadata", "parameter_unknown"),
        ({"active": "yes"}, "active", "parameter_invalid_boolean"),
        ({"starting_after": "plink_unknown"}, "starting_after", "resource_missing"),
        ({"expand": ["line_items"]}, "expand", None),
    ],
    ids=str,
)
def test_bad_filters_are_refused(
    stripe_client: StripeClient, filters: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        stripe_client.v1.payment_links.list(filters)  # type: ignore[arg-type]  # wrong on purpose
    assert (caught.value.http_status, caught.value.param, caught.value.code) == (400, param, code)


def test_an_unknown_link_is_not_found(stripe_client: StripeClient) -> None:
    links = stripe_client.v1.payment_links
    attempts: list[Callable[[], object]] = [
        lambda: links.retrieve("plink_unknown"),
        lambda: links.update("plink_unknown", {"active": False}),
        lambda: links.line_items.list("plink_unknown"),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidRequestError) as caught:
            attempt()
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(("own", "other"), [("test", "live"), ("live", "test")])
def test_the_modes_do_not_see_each_other(
    client_for: Callable[[str], StripeClient],
    link_parameters: dict[str, Any],
    control: StandInControl,
    own: str,
    other: str,
) -> None:
    client, stranger = client_for(f"sk_{own}_standin0001"), client_for(f"rk_{other}_standin0002")
    link = client.v1.payment_links.create(link_parameters)  # type: ignore[arg-type]  # a dict
    assert link.livemode == (own == "live")
    assert ("/b/test_" in link.url) == (own == "test")
    session = control.open_link(link.id)
    assert session["id"].startswith(f"cs_{own}_")
    assert stranger.v1.payment_links.list().data == []
    assert stranger.v1.checkout.sessions.list({"payment_link": link.id}).data == []
    attempts: list[Callable[[], object]] = [
        lambda: stranger.v1.payment_links.retrieve(link.id),
        lambda: stranger.v1.payment_links.update(link.id, {"active": False}),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidRequestError) as caught:
            attempt()
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
        assert f"a similar object exists in {own} mode, but a {other} mode key was used" in str(caught.value)
    assert control.payment_links()[0]["active"]


@pytest.mark.parametrize("key", ["rk_test_standin_readonly_key", "rk_test_standin_nolinks_key"])
def test_a_key_without_the_permission_reads_and_is_told_what_it_lacks(
    client_for: Callable[[str], StripeClient], new_link: NewLink, link_parameters: dict[str, Any], key: str
) -> None:
    link, restricted = new_link(), client_for(key)
    assert restricted.v1.payment_links.retrieve(link.id).id == link.id
    attempts: list[Callable[[], object]] = [
        lambda: restricted.v1.payment_links.create(link_parameters),  # type: ignore[arg-type]  # a dict
        lambda: restricted.v1.payment_links.update(link.id, {"active": False}),
    ]
    for attempt in attempts:
        with pytest.raises(StripePermissionError) as caught:
            attempt()
        assert "rak_payment_link_write" in str(caught.value)
    assert restricted.v1.payment_links.retrieve(link.id).active


def test_a_key_can_write_sessions_and_no_links(
    client_for: Callable[[str], StripeClient], parameters: dict[str, Any]
) -> None:
    client = client_for("rk_test_standin_nolinks_key")
    assert client.v1.checkout.sessions.create(parameters).status == "open"  # type: ignore[arg-type]  # a dict


def test_rate_limits_hold_for_links(stripe_client: StripeClient, new_link: NewLink, control: StandInControl) -> None:
    # So slow that the bucket does not fill again within the test.
    control.configure(writes_per_second=0.001)
    link = new_link()
    with pytest.raises(RateLimitError):
        stripe_client.v1.payment_links.update(link.id, {"active": False})
    assert stripe_client.v1.payment_links.retrieve(link.id).active


@pytest.mark.parametrize(
    ("model", "stripes"),
    [
        (link_params.CreateLink, create_params.PaymentLinkCreateParams),
        (link_params.LinkLineItem, create_params.PaymentLinkCreateParamsLineItem),
        (params.PriceData, create_params.PaymentLinkCreateParamsLineItemPriceData),
        (link_params.NewPaymentData, create_params.PaymentLinkCreateParamsPaymentIntentData),
        (link_params.AfterCompletion, create_params.PaymentLinkCreateParamsAfterCompletion),
        (link_params.UpdateLink, update_params.PaymentLinkUpdateParams),
        (link_params.PaymentDataChange, update_params.PaymentLinkUpdateParamsPaymentIntentData),
        (link_params.ListLinks, list_params.PaymentLinkListParams),
    ],
)
def test_every_parameter_of_the_sdk_is_modelled_or_known_not_to_be(model: type[params.Strict], stripes: type) -> None:
    names = set(stripes.__annotations__) - set(RequestOptions.__annotations__)
    assert set(model.model_fields) | model.not_modelled == names
