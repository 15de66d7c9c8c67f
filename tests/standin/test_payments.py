from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from stripe import StripeClient
from stripe.checkout import Session

from deployments.local.stripe_standin.control import StandInControl

Create = Callable[..., Session]


def intent_of(client: StripeClient, id_: str) -> dict[str, object]:
    session = client.v1.checkout.sessions.retrieve(id_, {"expand": ["payment_intent"]})
    intent = dict(session.to_dict()["payment_intent"])
    assert client.v1.payment_intents.retrieve(str(intent["id"])).to_dict() == intent
    return intent


def test_a_payment_completes_the_session(
    stripe_client: StripeClient, new_session: Create, control: StandInControl
) -> None:
    id_ = new_session(customer_email="robin@example.com").id
    control.pay(id_)
    session = stripe_client.v1.checkout.sessions.retrieve(id_)
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert session.customer_details is not None
    assert session.customer_details.email == "robin@example.com"
    intent = intent_of(stripe_client, id_)
    assert (intent["status"], intent["amount"], intent["amount_received"]) == ("succeeded", 5500, 5500)
    assert (intent["metadata"], intent["description"]) == ({"order_id": "17"}, "Order 17")
    assert str(intent["latest_charge"]).startswith("ch_")


@pytest.mark.parametrize(("amount", "discount", "tax"), [(5000, 500, 0), (5500, 0, 0), (6000, 0, 500)])
def test_a_payment_can_be_of_another_amount(
    stripe_client: StripeClient, new_session: Create, control: StandInControl, amount: int, discount: int, tax: int
) -> None:
    id_ = new_session().id
    control.pay(id_, amount_total=amount)
    session = stripe_client.v1.checkout.sessions.retrieve(id_)
    assert (session.amount_subtotal, session.amount_total) == (5500, amount)
    assert session.total_details is not None
    assert (session.total_details.amount_discount, session.total_details.amount_tax) == (discount, tax)
    assert intent_of(stripe_client, id_)["amount_received"] == amount


def test_a_slow_payment_leaves_the_session_complete_and_unpaid_until_it_settles(
    stripe_client: StripeClient, new_session: Create, control: StandInControl
) -> None:
    id_ = new_session().id
    control.pay(id_, slow=True)
    session = stripe_client.v1.checkout.sessions.retrieve(id_)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    intent = intent_of(stripe_client, id_)
    assert (intent["status"], intent["amount_received"]) == ("processing", 0)
    control.settle(id_)
    session = stripe_client.v1.checkout.sessions.retrieve(id_)
    assert (session.status, session.payment_status) == ("complete", "paid")
    assert intent_of(stripe_client, id_)["amount_received"] == 5500


@pytest.mark.parametrize(("canceled", "status"), [(False, "requires_payment_method"), (True, "canceled")])
def test_a_failed_slow_payment_shows_only_in_its_payment_intent(
    stripe_client: StripeClient, new_session: Create, control: StandInControl, *, canceled: bool, status: str
) -> None:
    id_ = new_session().id
    control.pay(id_, slow=True)
    control.fail(id_, canceled=canceled)
    session = stripe_client.v1.checkout.sessions.retrieve(id_)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    intent = intent_of(stripe_client, id_)
    assert (intent["status"], intent["amount_received"]) == (status, 0)
    assert bool(intent["last_payment_error"]) == (not canceled)


def test_what_cannot_happen_is_refused_with_a_reason(new_session: Create, control: StandInControl) -> None:
    paid, lapsed, waiting = new_session().id, new_session().id, new_session().id
    control.pay(paid)
    control.pay(waiting, slow=True)
    control.advance_clock(25 * 3600)
    attempts: list[tuple[Callable[[], object], int, str]] = [
        (lambda: control.pay(paid), 409, "is complete"),
        (lambda: control.pay(lapsed), 409, "is expired"),
        (lambda: control.pay(waiting), 409, "is complete"),
        (lambda: control.settle(paid), 409, "no slow payment is under way"),
        (lambda: control.fail(lapsed), 409, "no slow payment is under way"),
        (lambda: control.pay("cs_test_unknown"), 404, "no such session"),
    ]
    for attempt, status, reason in attempts:
        with pytest.raises(httpx.HTTPStatusError) as caught:
            attempt()
        assert caught.value.response.status_code == status
        assert reason in caught.value.response.json()["error"]
