from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stripe import InvalidRequestError, StripeClient
from stripe.checkout import Session

from deployments.local.stripe_standin.control import StandInControl


def listed(client: StripeClient, **filters: Any) -> list[str]:  # noqa: ANN401 - parameters of any kind
    page = client.v1.checkout.sessions.list(filters)  # type: ignore[arg-type]  # filters of any kind
    return [session.id for session in page.auto_paging_iter()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(0, 12), limit=st.integers(1, 14), steps=st.lists(st.sampled_from([0, 0, 1, 60]), min_size=12))
def test_walking_the_pages_either_way_meets_every_session_once(
    stripe_client: StripeClient,
    new_session: Callable[..., Session],
    control: StandInControl,
    count: int,
    limit: int,
    steps: list[int],
) -> None:
    control.reset()
    made = []
    for step in steps[:count]:
        control.advance_clock(step)
        made.append(new_session().id)
    newest_first = made[::-1]
    assert listed(stripe_client, limit=limit) == newest_first
    for position, id_ in enumerate(newest_first):
        before = stripe_client.v1.checkout.sessions.list({"ending_before": id_, "limit": limit})
        assert [session.id for session in before.data] == newest_first[max(0, position - limit) : position]
        assert before.has_more == (position > limit)


def test_a_page_says_whether_more_follow(stripe_client: StripeClient, new_session: Callable[..., Session]) -> None:
    for _ in range(11):
        new_session()
    page = stripe_client.v1.checkout.sessions.list()
    assert (len(page.data), page.has_more, page.url) == (10, True, "/v1/checkout/sessions")
    rest = stripe_client.v1.checkout.sessions.list({"starting_after": page.data[-1].id})
    assert (len(rest.data), rest.has_more) == (1, False)


def test_created_filters_by_the_stand_ins_clock(
    stripe_client: StripeClient, new_session: Callable[..., Session], control: StandInControl
) -> None:
    early = new_session()
    control.advance_clock(3600)
    late = new_session()
    assert listed(stripe_client, created={"gt": early.created}) == [late.id]
    assert listed(stripe_client, created={"gte": early.created, "lt": late.created}) == [early.id]
    assert listed(stripe_client, created={"lte": early.created}) == [early.id]
    assert listed(stripe_client, created=late.created) == [late.id]
    assert listed(stripe_client, created={"gt": late.created}) == []


def test_status_filters_by_what_a_session_is_now(
    stripe_client: StripeClient, new_session: Callable[..., Session], control: StandInControl
) -> None:
    closed, paid, short, long = [new_session(expires_at=int(control.now()) + 3600 * hours).id for hours in (9, 9, 1, 9)]
    stripe_client.v1.checkout.sessions.expire(closed)
    control.pay(paid)
    assert listed(stripe_client, status="open") == [long, short]
    control.advance_clock(2 * 3600)
    assert listed(stripe_client, status="open") == [long]
    assert listed(stripe_client, status="complete") == [paid]
    assert listed(stripe_client, status="expired") == [short, closed]


def test_a_session_is_found_by_its_payment_intent(
    stripe_client: StripeClient, new_session: Callable[..., Session], control: StandInControl
) -> None:
    new_session()
    paid = control.pay(new_session().id)
    assert listed(stripe_client, payment_intent=paid["payment_intent"]) == [paid["id"]]
    for name in ("customer", "subscription", "payment_link"):
        assert listed(stripe_client, **{name: "none"}) == []


def test_payment_intents_and_line_items_are_expanded_on_request(
    stripe_client: StripeClient, new_session: Callable[..., Session], control: StandInControl
) -> None:
    paid = control.pay(new_session().id)
    unexpanded = stripe_client.v1.checkout.sessions.list().data[0]
    assert unexpanded.payment_intent == paid["payment_intent"]
    assert "line_items" not in unexpanded.to_dict()
    expand = ["data.payment_intent", "data.line_items"]
    session = stripe_client.v1.checkout.sessions.list({"expand": expand}).data[0].to_dict()
    assert session["payment_intent"]["amount_received"] == 5500
    assert [item["amount_total"] for item in session["line_items"]["data"]] == [5500]


@pytest.mark.parametrize(
    ("filters", "param", "code"),
    [
        ({"limit": 0}, "limit", "parameter_invalid_integer"),
        ({"limit": 101}, "limit", "parameter_invalid_integer"),
        ({"status": "closed"}, "status", "parameter_invalid_enum"),
        ({"metadata": {"order_id": "17"}}, "metadata", "parameter_unknown"),
        ({"client_reference_id": "17"}, "client_reference_id", "parameter_unknown"),
        ({"created": {"after": 5}}, "created[after]", "parameter_unknown"),
        ({"starting_after": "cs_test_unknown"}, "starting_after", "resource_missing"),
        ({"expand": ["payment_intent"]}, "expand", None),
    ],
    ids=str,
)
def test_bad_filters_are_refused(
    stripe_client: StripeClient, filters: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        listed(stripe_client, **filters)
    assert (caught.value.http_status, caught.value.param, caught.value.code) == (400, param, code)


def test_line_items_come_in_pages_too(stripe_client: StripeClient, new_session: Callable[..., Session]) -> None:
    def line(name: str) -> dict[str, Any]:
        return {
            "price_data": {"currency": "usd", "unit_amount": 100, "product_data": {"name": name}},
            "quantity": 2,
        }

    id_ = new_session(line_items=[line(f"Fee {number}") for number in range(5)]).id
    page = stripe_client.v1.checkout.sessions.line_items.list(id_, {"limit": 2})
    assert page.has_more
    names = [item.description for item in page.auto_paging_iter()]
    assert names == [f"Fee {number}" for number in range(5)]
    assert page.data[0].amount_total == 200


def test_routes_that_stripe_has_not_are_refused_as_unrecognized(base_url: str) -> None:
    headers = {"Authorization": "Bearer sk_test_standin0001"}
    for method, path in (("GET", "/v1/refunds"), ("DELETE", "/v1/checkout/sessions/cs_test_1"), ("GET", "/v2/x")):
        answer = httpx.request(method, base_url + path, headers=headers, trust_env=False)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"].startswith(f"Unrecognized request URL ({method}: {path})")
