from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from stripe import PaymentLink, StripeClient
from stripe.checkout import Session

from deployments.local.stripe_standin import link_params, params
from deployments.local.stripe_standin.control import StandInControl
from tests.support.stripe_schema import DOCUMENT, check_object, check_request

HEADERS = {"Authorization": "Bearer sk_test_standin0001"}


def get(base_url: str, path: str) -> dict[str, Any]:
    answer = httpx.get(base_url + path, headers=HEADERS, trust_env=False).raise_for_status()
    return dict(answer.json())


def test_the_check_itself_refuses_what_is_not_stripes(base_url: str, new_session: Callable[..., Session]) -> None:
    session = get(base_url, f"/v1/checkout/sessions/{new_session().id}")
    check_object("checkout.session", session)
    for spoilt in ({"status": "closed"}, {"colour": "blue"}, {"amount_total": "55"}, {"custom_fields": None}):
        with pytest.raises(AssertionError):
            check_object("checkout.session", session | spoilt)


def test_every_session_is_what_stripe_publishes(
    base_url: str, new_session: Callable[..., Session], control: StandInControl
) -> None:
    full = {
        "after_expiration": {"recovery": {"enabled": True}},
        "cancel_url": "https://club.example.org/back",
        "customer_email": "robin@example.com",
        "locale": "fr-CA",
        "submit_type": "pay",
    }
    ids = [new_session(**changes).id for changes in ({}, full, {}, full, {}, full, {}, {})]
    control.pay(ids[0])
    control.pay(ids[1], slow=True)
    control.pay(ids[2], amount_total=5000)
    control.pay(ids[3], amount_total=0)
    control.pay(ids[4], slow=True)
    control.fail(ids[4])
    control.pay(ids[5], slow=True)
    control.fail(ids[5], canceled=True)
    control.pay(ids[6], slow=True)
    control.settle(ids[6])
    expand = "expand[]=data.payment_intent&expand[]=data.line_items"
    for page in (get(base_url, "/v1/checkout/sessions"), get(base_url, f"/v1/checkout/sessions?{expand}")):
        assert len(page["data"]) == len(ids)
        for session in page["data"]:
            check_object("checkout.session", session)
    control.advance_clock(24 * 60 * 60)
    for id_ in ids:
        session = get(base_url, f"/v1/checkout/sessions/{id_}")
        check_object("checkout.session", session)
        assert session["url"] is None
        if session["payment_intent"]:
            check_object("payment_intent", get(base_url, f"/v1/payment_intents/{session['payment_intent']}"))
        for item in get(base_url, f"/v1/checkout/sessions/{id_}/line_items")["data"]:
            check_object("item", item)


def test_every_link_and_session_of_a_link_is_what_stripe_publishes(
    base_url: str, new_link: Callable[..., PaymentLink], stripe_client: StripeClient, control: StandInControl
) -> None:
    full = {
        "after_completion": {"type": "redirect", "redirect": {"url": "https://club.example.org/paid"}},
        "allow_promotion_codes": True,
        "billing_address_collection": "required",
        "inactive_message": "Paid in cash",
        "submit_type": "book",
    }
    thanks = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "Thank you"}}
    ids = [new_link(**changes).id for changes in ({}, full, {"after_completion": thanks}, full)]
    control.pay(control.open_link(ids[0])["id"])
    control.pay(control.open_link(ids[1], "order-17")["id"], slow=True)
    control.open_link(ids[2])
    stripe_client.v1.payment_links.update(ids[3], {"active": False, "restrictions": "", "inactive_message": ""})
    links = get(base_url, "/v1/payment_links?expand[]=data.line_items")["data"]
    assert {link["id"] for link in links} == set(ids)
    for link in (*links, *control.payment_links()):
        check_object("payment_link", {name: value for name, value in link.items() if name != "lines"})
    for id_ in ids:
        for item in get(base_url, f"/v1/payment_links/{id_}/line_items")["data"]:
            check_object("item", item)
        for session in get(base_url, f"/v1/checkout/sessions?payment_link={id_}&expand[]=data.payment_intent")["data"]:
            check_object("checkout.session", session)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/payment_links/plink_none", HEADERS),
        ("/v1/checkout/sessions/cs_test_none", HEADERS),
        ("/v1/checkout/sessions?limit=1000", HEADERS),
        ("/v1/checkout/sessions", {}),
        ("/v1/charges", HEADERS),
    ],
)
def test_every_refusal_is_what_stripe_publishes(base_url: str, path: str, headers: dict[str, str]) -> None:
    answer = httpx.get(base_url + path, headers=headers, trust_env=False)
    assert answer.is_client_error
    assert answer.headers["Request-Id"].startswith("req_")
    check_object("error", answer.json())


def test_no_parameter_is_taken_that_stripe_does_not_publish() -> None:
    endpoint = DOCUMENT["paths"]["/v1/checkout/sessions"]
    form = endpoint["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert set(params.CreateSession.model_fields) <= set(form["properties"])
    assert (
        set(params.ListSessions.model_fields)
        == {parameter["name"] for parameter in endpoint["get"]["parameters"]} - params.ListSessions.not_modelled
    )


def test_no_parameter_of_a_link_is_taken_that_stripe_does_not_publish() -> None:
    for path, model in (("", link_params.CreateLink), ("/{payment_link}", link_params.UpdateLink)):
        endpoint = DOCUMENT["paths"][f"/v1/payment_links{path}"]["post"]["requestBody"]["content"]
        published = endpoint["application/x-www-form-urlencoded"]["schema"]["properties"]
        assert set(model.model_fields) <= set(published)
    listed = {parameter["name"] for parameter in DOCUMENT["paths"]["/v1/payment_links"]["get"]["parameters"]}
    assert set(link_params.ListLinks.model_fields) == listed


@pytest.mark.parametrize(
    ("method", "path", "parameters"),
    [
        ("GET", "/v1/checkout/sessions", {"limit": "100", "created": {"gte": "1"}, "expand": {"0": "data.line_items"}}),
        ("POST", "/v1/checkout/sessions/cs_test_1/expire", {}),
        ("GET", "/v1/payment_links", {"active": "true", "limit": "100"}),
        ("GET", "/v1/payment_links/plink_1/line_items", {}),
        ("POST", "/v1/payment_links/plink_1", {"active": "false", "restrictions": "", "metadata": {"order_id": ""}}),
        ("POST", "/v1/payment_links", {"line_items": {"0": {"quantity": "1"}}, "inactive_message": "Paid"}),
        ("POST", "/v1/checkout/sessions", {"mode": "payment", "adaptive_pricing": {"enabled": "false"}}),
    ],
)
def test_the_check_of_requests_takes_what_stripe_publishes_and_nothing_else(
    method: str, path: str, parameters: dict[str, Any]
) -> None:
    check_request(method, path, parameters)
    for spoilt in (
        (method, f"{path}/nowhere/else", parameters),
        ("DELETE", path, parameters),
        (method, path, parameters | {"colour": "blue"}),
        (method, path, parameters | {"expand": {"1": "from the second"}}),
    ):
        with pytest.raises(AssertionError):
            check_request(*spoilt)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "gift"},
        {"expires_at": "tomorrow"},
        {"payment_method_types": {"0": {"card": "yes"}}},
        {"adaptive_pricing": {"enabled": "no"}},
        {"line_items": {"0": {"quantity": "one"}}},
        {"line_items": {"0": {"price_data": {"unit_amount": "5500"}}}},
        {"payment_intent_data": {"metadata": {"order": {"id": "5"}}}},
    ],
)
def test_a_create_request_that_strays_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        check_request("POST", "/v1/checkout/sessions", wrong)
