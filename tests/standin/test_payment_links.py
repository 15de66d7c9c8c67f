from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from stripe import APIConnectionError, InvalidRequestError, PaymentLink, StripeClient

from deployments.local.stripe_standin.control import StandInControl

NewLink = Callable[..., PaymentLink]


def ids(client: StripeClient, **filters: Any) -> list[str]:  # noqa: ANN401 - parameters of any kind
    page = client.v1.payment_links.list(filters)  # type: ignore[arg-type]  # filters of any kind
    return [link.id for link in page.auto_paging_iter()]


def test_a_new_link_is_active_and_has_a_page_of_its_own(
    stripe_client: StripeClient, new_link: NewLink, base_url: str
) -> None:
    link, other = new_link(), new_link()
    assert link.id.startswith("plink_1")
    assert link.url.startswith(f"{base_url}/b/test_")
    assert link.url != other.url
    assert (link.active, link.currency, link.livemode, link.submit_type) == (True, "usd", False, "auto")
    assert link.metadata.to_dict() == {"order_id": "17"}
    assert link.after_completion.type == "hosted_confirmation"
    assert link.restrictions is not None
    assert link.restrictions.completed_sessions.to_dict() == {"count": 0, "limit": 1}
    assert link.payment_intent_data is not None
    assert link.payment_intent_data.metadata.to_dict() == {"order_id": "17"}
    assert "line_items" not in link.to_dict()
    assert stripe_client.v1.payment_links.retrieve(link.id).to_dict() == link.to_dict()


def test_a_link_without_more_than_a_line_has_no_limit(new_link: NewLink, control: StandInControl) -> None:
    link = new_link(metadata={}, payment_intent_data={}, restrictions={"completed_sessions": {"limit": 3}})
    for left in (2, 1, 0):
        control.pay(control.open_link(link.id)["id"])
        (found,) = control.payment_links()
        assert (found["restrictions"]["completed_sessions"]["count"], found["active"]) == (3 - left, left > 0)


def test_an_update_changes_what_it_names_and_nothing_else(stripe_client: StripeClient, new_link: NewLink) -> None:
    link = new_link()
    change = stripe_client.v1.payment_links.update
    switched_off = change(link.id, {"active": False})
    assert switched_off.to_dict() == link.to_dict() | {"active": False}
    changed = change(
        link.id,
        {
            "active": True,
            "inactive_message": "Paid in cash",
            "submit_type": "pay",
            "after_completion": {"type": "redirect", "redirect": {"url": "https://club.example.org/paid"}},
            "restrictions": {"completed_sessions": {"limit": 2}},
        },
    )
    assert (changed.active, changed.inactive_message, changed.submit_type) == (True, "Paid in cash", "pay")
    assert changed.after_completion.to_dict() == {
        "type": "redirect",
        "redirect": {"url": "https://club.example.org/paid"},
    }
    assert changed.metadata == link.metadata
    unset = change(link.id, {"inactive_message": "", "restrictions": ""})
    assert (unset.inactive_message, unset.restrictions, unset.submit_type) == (None, None, "pay")


def test_metadata_is_added_to_and_taken_from(stripe_client: StripeClient, new_link: NewLink) -> None:
    link = new_link(metadata={"order_id": "17", "attempt": "a"})
    change = stripe_client.v1.payment_links.update
    changed = change(link.id, {"metadata": {"attempt": "", "why": "lower price"}})
    assert changed.metadata.to_dict() == {"order_id": "17", "why": "lower price"}
    data = change(link.id, {"payment_intent_data": {"metadata": {"why": "x"}}}).payment_intent_data
    assert data is not None
    assert (data.metadata.to_dict(), data.description) == ({"order_id": "17", "why": "x"}, "Order 17")
    data = change(link.id, {"payment_intent_data": {"metadata": "", "description": ""}}).payment_intent_data
    assert data is not None
    assert (data.metadata.to_dict(), data.description) == ({}, None)
    with pytest.raises(InvalidRequestError) as caught:
        change(link.id, {"metadata": {str(number): "x" for number in range(49)}})
    assert (caught.value.code, caught.value.param) == ("metadata_too_many_keys", "metadata")
    assert change(link.id, {"metadata": {}}).metadata.to_dict() == {"order_id": "17", "why": "lower price"}
    assert change(link.id, {"metadata": ""}).metadata.to_dict() == {}  # type: ignore[arg-type]  # as documented


def test_links_are_listed_newest_first_in_pages(stripe_client: StripeClient, new_link: NewLink) -> None:
    made = [new_link().id for _ in range(5)][::-1]
    assert ids(stripe_client, limit=2) == made
    page = stripe_client.v1.payment_links.list({"limit": 2, "ending_before": made[4]})
    assert ([link.id for link in page.data], page.has_more, page.url) == (made[2:4], True, "/v1/payment_links")
    stripe_client.v1.payment_links.update(made[0], {"metadata": {"touched": "yes"}})
    assert ids(stripe_client) == made


@pytest.mark.parametrize("active_at_limit", [False, True])
def test_active_filters_by_what_a_link_is_now(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl, *, active_at_limit: bool
) -> None:
    control.configure(active_at_limit=active_at_limit)
    open_, used, off, endless = new_link().id, new_link().id, new_link().id, new_link().id
    for id_ in (used, endless):
        stripe_client.v1.payment_links.update(endless, {"restrictions": ""})
        control.pay(control.open_link(id_)["id"])
    stripe_client.v1.payment_links.update(off, {"active": False})
    active = {open_, endless} | ({used} if active_at_limit else set())
    assert set(ids(stripe_client, active=True)) == active
    assert set(ids(stripe_client, active=False)) == {open_, used, off, endless} - active
    assert {link["id"] for link in control.payment_links() if link["active"]} == active


def test_line_items_are_listed_and_expanded(stripe_client: StripeClient, new_link: NewLink) -> None:
    def line(name: str) -> dict[str, Any]:
        return {"price_data": {"currency": "usd", "unit_amount": 100, "product_data": {"name": name}}, "quantity": 2}

    link = new_link(line_items=[line(f"Fee {number}") for number in range(12)], expand=["line_items"])
    assert link.line_items is not None
    assert (len(link.line_items.data), link.line_items.has_more) == (10, True)
    page = stripe_client.v1.payment_links.line_items.list(link.id, {"limit": 5})
    names = [item.description for item in page.auto_paging_iter()]
    assert names == [f"Fee {number}" for number in range(12)]
    (listed,) = stripe_client.v1.payment_links.list({"expand": ["data.line_items"]}).data
    assert listed.line_items is not None
    assert listed.line_items.data[0].amount_total == 200
    with pytest.raises(InvalidRequestError) as caught:
        stripe_client.v1.payment_links.line_items.list(link.id, {"ending_before": "li_unknown"})
    assert (caught.value.code, caught.value.param) == ("resource_missing", "ending_before")


def test_a_key_makes_one_link_whatever_gets_lost(
    stripe_client: StripeClient, link_parameters: dict[str, Any], control: StandInControl
) -> None:
    control.add_fault("drop_after", method="POST", path_prefix="/v1/payment_links")
    with pytest.raises(APIConnectionError):
        stripe_client.v1.payment_links.create(link_parameters, {"idempotency_key": "k"})  # type: ignore[arg-type]  # a dict
    stripe_client.v1.payment_links.update(control.payment_links()[0]["id"], {"active": False})
    again = stripe_client.v1.payment_links.create(link_parameters, {"idempotency_key": "k"})  # type: ignore[arg-type]  # a dict
    assert [link["id"] for link in control.payment_links()] == [again.id]
    assert again.active, "a replay is the first answer, stale or not"
    assert not stripe_client.v1.payment_links.retrieve(again.id).active


def test_the_request_log_names_links(stripe_client: StripeClient, new_link: NewLink, control: StandInControl) -> None:
    link = new_link()
    stripe_client.v1.payment_links.update(link.id, {"active": False})
    stripe_client.v1.payment_links.list()
    assert [(entry["object_id"], entry["session_id"]) for entry in control.requests()] == [
        (link.id, None),
        (link.id, None),
        (None, None),
    ]


def test_many_links_are_staged_at_once(stripe_client: StripeClient, control: StandInControl) -> None:
    fee = {"currency": "usd", "unit_amount": "5500", "product_data": {"name": "Spring Classic"}}
    parameters = {
        "line_items": {"0": {"price_data": fee, "quantity": "1"}},
        "metadata": {"club": "hawks"},
        "payment_intent_data": {"description": "Fee"},
    }
    staged = control.stage_links(parameters, [{"order_id": str(order)} for order in range(40)])
    assert [link["id"] for link in staged] == ids(stripe_client, limit=100)[::-1]
    link = stripe_client.v1.payment_links.retrieve(staged[7]["id"])
    assert (link.url, link.metadata.to_dict()) == (staged[7]["url"], {"club": "hawks", "order_id": "7"})
    assert link.payment_intent_data is not None
    assert link.payment_intent_data.metadata.to_dict() == {"order_id": "7"}
