from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from stripe.checkout import Session

from deployments.local.stripe_standin import params
from deployments.local.stripe_standin.control import StandInControl

DOCUMENT = json.loads((Path(__file__).parent / "stripe_openapi.json").read_text())
HEADERS = {"Authorization": "Bearer sk_test_standin0001"}


def as_json_schema(node: Any, name: str = "") -> Any:  # noqa: ANN401 - any part of a JSON document
    """Translate OpenAPI 3.0: nullable becomes anyOf null, and an object has no members but those it lists."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    schema = {key: as_json_schema(value, key) for key, value in node.items() if key != "nullable"}
    if name == "properties":
        return schema
    if schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") is True else schema


COMPONENTS = as_json_schema(DOCUMENT["components"])


def check(kind: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
    schema = {"$ref": f"#/components/schemas/{kind}", "components": COMPONENTS}
    problems = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]
    assert not problems


def get(base_url: str, path: str) -> dict[str, Any]:
    answer = httpx.get(base_url + path, headers=HEADERS, trust_env=False).raise_for_status()
    return dict(answer.json())


def test_the_check_itself_refuses_what_is_not_stripes(base_url: str, new_session: Callable[..., Session]) -> None:
    session = get(base_url, f"/v1/checkout/sessions/{new_session().id}")
    check("checkout.session", session)
    for spoilt in ({"status": "closed"}, {"colour": "blue"}, {"amount_total": "55"}, {"custom_fields": None}):
        with pytest.raises(AssertionError):
            check("checkout.session", session | spoilt)


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
            check("checkout.session", session)
    control.advance_clock(24 * 60 * 60)
    for id_ in ids:
        session = get(base_url, f"/v1/checkout/sessions/{id_}")
        check("checkout.session", session)
        assert session["url"] is None
        if session["payment_intent"]:
            check("payment_intent", get(base_url, f"/v1/payment_intents/{session['payment_intent']}"))
        for item in get(base_url, f"/v1/checkout/sessions/{id_}/line_items")["data"]:
            check("item", item)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
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
    check("error", answer.json())


def test_no_parameter_is_taken_that_stripe_does_not_publish() -> None:
    endpoint = DOCUMENT["paths"]["/v1/checkout/sessions"]
    form = endpoint["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert set(params.CreateSession.model_fields) <= set(form["properties"])
    assert (
        set(params.ListSessions.model_fields)
        == {parameter["name"] for parameter in endpoint["get"]["parameters"]} - params.ListSessions.not_modelled
    )
