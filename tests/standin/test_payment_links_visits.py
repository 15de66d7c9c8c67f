from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from stripe import InvalidRequestError, PaymentLink, StripeClient

from deployments.local.stripe_standin.control import StandInControl

NewLink = Callable[..., PaymentLink]


def count_of(control: StandInControl, link: PaymentLink) -> int:
    (found,) = [known for known in control.payment_links() if known["id"] == link.id]
    return int(found["restrictions"]["completed_sessions"]["count"])


def refusal_of(attempt: Callable[[], object]) -> str:
    with pytest.raises(httpx.HTTPStatusError) as caught:
        attempt()
    assert caught.value.response.status_code == 409
    return str(caught.value.response.json()["error"])


def test_each_visit_opens_a_session_that_leads_back_to_the_link(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl, base_url: str
) -> None:
    link, other = new_link(), new_link(metadata={"order_id": "18"})
    first, second, elsewhere = (control.open_link(id_) for id_ in (link.id, link.id, other.id))
    assert (first["status"], first["payment_status"], first["amount_total"]) == ("open", "unpaid", 5500)
    assert (first["payment_link"], first["metadata"]) == (link.id, {"order_id": "17"})
    assert (first["success_url"], first["client_reference_id"]) == ("https://stripe.com", None)
    assert first["expires_at"] == first["created"] + 24 * 60 * 60
    assert first["url"].startswith(f"{base_url}/c/pay/{first['id']}")
    listed = stripe_client.v1.checkout.sessions.list({"payment_link": link.id}).data
    assert [session.id for session in listed] == [second["id"], first["id"]]
    assert stripe_client.v1.checkout.sessions.list({"payment_link": link.id, "status": "complete"}).data == []
    assert stripe_client.v1.checkout.sessions.list().data[0].id == elsewhere["id"]
    (item,) = stripe_client.v1.checkout.sessions.line_items.list(first["id"]).data
    (own,) = stripe_client.v1.payment_links.line_items.list(link.id).data
    assert item.price is not None
    assert own.price is not None
    assert (item.description, item.price.id) == (own.description, own.price.id)
    assert item.id != own.id


def test_what_a_session_carries_is_the_link_as_it_was_when_it_was_opened(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl
) -> None:
    link = new_link()
    early = control.open_link(link.id)
    change: dict[str, Any] = {"metadata": {"order_id": "99"}, "payment_intent_data": {"metadata": {"order_id": "99"}}}
    stripe_client.v1.payment_links.update(link.id, change)  # type: ignore[arg-type]  # a dict
    late = control.open_link(link.id)
    assert (early["metadata"], late["metadata"]) == ({"order_id": "17"}, {"order_id": "99"})
    paid = control.pay(early["id"])
    intent = stripe_client.v1.payment_intents.retrieve(paid["payment_intent"])
    assert (intent.metadata.to_dict(), intent.description) == ({"order_id": "17"}, "Order 17")


@pytest.mark.parametrize(
    ("reference", "taken"),
    [("order-17_a", True), ("x" * 200, True), ("x" * 201, False), ("order 17", False), ("", False)],
)
def test_a_reference_comes_from_the_url_where_stripe_would_take_it(
    new_link: NewLink, control: StandInControl, reference: str, *, taken: bool
) -> None:
    link = new_link()
    session = control.open_link(link.id, reference)
    assert session["client_reference_id"] == (reference if taken else None)
    httpx.get(link.url, params={"client_reference_id": reference}, trust_env=False)
    assert control.sessions()[0]["client_reference_id"] == (reference if taken else None)


def test_a_used_link_opens_no_more_and_says_so(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl
) -> None:
    link = new_link()
    control.pay(control.open_link(link.id)["id"])
    assert "as often as it may be" in refusal_of(lambda: control.open_link(link.id))
    stripe_client.v1.payment_links.update(link.id, {"active": True})
    assert not stripe_client.v1.payment_links.retrieve(link.id).active
    assert "as often as it may be" in refusal_of(lambda: control.open_link(link.id))
    stripe_client.v1.payment_links.update(link.id, {"restrictions": {"completed_sessions": {"limit": 2}}})
    assert control.open_link(link.id)["status"] == "open"
    assert len(control.sessions()) == 2


def test_a_second_tab_is_refused_at_payment(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl
) -> None:
    link = new_link()
    first, second = control.open_link(link.id), control.open_link(link.id)
    control.pay(first["id"])
    assert "as often as it may be" in refusal_of(lambda: control.pay(second["id"]))
    assert stripe_client.v1.checkout.sessions.retrieve(second["id"]).status == "open"
    assert stripe_client.v1.checkout.sessions.expire(second["id"]).status == "expired"
    assert count_of(control, link) == 1


def test_a_second_tab_can_be_let_pay_too(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl
) -> None:
    control.configure(two_tabs=True)
    link = new_link()
    first, second = control.open_link(link.id), control.open_link(link.id)
    control.pay(first["id"])
    control.pay(second["id"])
    assert count_of(control, link) == 2
    assert "as often as it may be" in refusal_of(lambda: control.open_link(link.id))
    found = stripe_client.v1.checkout.sessions.list({"payment_link": link.id, "status": "complete"}).data
    assert {session.payment_status for session in found} == {"paid"}
    assert len({session.payment_intent for session in found}) == 2


@pytest.mark.parametrize("failed_frees", [False, True])
def test_a_slow_payment_counts_at_once_and_its_failure_only_where_it_is_to(
    new_link: NewLink, control: StandInControl, *, failed_frees: bool
) -> None:
    control.configure(failed_frees=failed_frees)
    link = new_link()
    slow, waiting = control.open_link(link.id), control.open_link(link.id)
    control.pay(slow["id"], slow=True)
    assert count_of(control, link) == 1
    refusal_of(lambda: control.pay(waiting["id"]))
    control.fail(slow["id"])
    assert count_of(control, link) == (0 if failed_frees else 1)
    assert control.payment_links()[0]["active"] == failed_frees
    if failed_frees:
        assert control.pay(waiting["id"])["payment_status"] == "paid"
    else:
        refusal_of(lambda: control.pay(waiting["id"]))


def test_a_slow_payment_that_settles_counts_once(new_link: NewLink, control: StandInControl) -> None:
    link = new_link()
    session = control.open_link(link.id)
    control.pay(session["id"], slow=True)
    assert control.settle(session["id"])["payment_status"] == "paid"
    assert count_of(control, link) == 1


def test_a_link_switched_off_opens_no_more_and_leaves_its_open_sessions_payable(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl
) -> None:
    link = new_link(restrictions={"completed_sessions": {"limit": 5}})
    paid, closed, lapsed = (control.open_link(link.id)["id"] for _ in range(3))
    stripe_client.v1.payment_links.update(link.id, {"active": False})
    assert "switched off" in refusal_of(lambda: control.open_link(link.id))
    assert control.pay(paid)["payment_status"] == "paid"
    stripe_client.v1.checkout.sessions.expire(closed)
    assert "is expired" in refusal_of(lambda: control.pay(closed))
    control.advance_clock(24 * 60 * 60)
    assert "is expired" in refusal_of(lambda: control.pay(lapsed))
    stripe_client.v1.payment_links.update(link.id, {"active": True})
    assert control.open_link(link.id)["status"] == "open"


def test_a_payment_can_come_in_just_before_a_link_is_read_or_switched_off(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl
) -> None:
    link, other = new_link(), new_link()
    control.add_fault("pay_first", method="POST", path_prefix=f"/v1/payment_links/{link.id}")
    control.add_fault("pay_first", method="GET", path_prefix=f"/v1/payment_links/{other.id}")
    stripe_client.v1.payment_links.update(link.id, {"active": False})
    stripe_client.v1.payment_links.retrieve(other.id)
    assert {session["payment_link"]: session["payment_status"] for session in control.sessions()} == {
        link.id: "paid",
        other.id: "paid",
    }
    control.add_fault("pay_first", count=2)
    assert count_of(control, link) == 1, "there is nothing to pay through a link that is used up"
    stripe_client.v1.payment_links.retrieve(link.id)
    with pytest.raises(InvalidRequestError):
        stripe_client.v1.payment_links.retrieve("plink_unknown")
    assert len(control.sessions()) == 2


def test_unknown_links_cannot_be_opened(control: StandInControl) -> None:
    with pytest.raises(httpx.HTTPStatusError) as caught:
        control.open_link("plink_unknown")
    assert caught.value.response.status_code == 404
