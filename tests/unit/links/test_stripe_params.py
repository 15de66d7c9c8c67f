"""What a Checkout Session is asked for with: Stripe's limits, the order's price, and the way back to the order."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from stripe.params.checkout import SessionCreateParams

from tasks.links.model import Charge, Order
from tasks.links.stripe_params import ATTEMPT_KEY, ORDER_KEY, ReturnPages, session_request

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = UUID("12345678-1234-5678-1234-567812345678")
PAGES = ReturnPages("https://club.example.org/paid", "https://club.example.org/later")


def order(amount: int = 5500, currency: str = "usd", id_: int = 7) -> Order:
    return Order(
        id=id_,
        status="pending",
        amount=Decimal(amount),
        currency=currency,
        session_id=None,
        url=None,
        payment_method=None,
        payment_intent_id=None,
        committed=True,
        has_twin=False,
    )


ORDERS = st.builds(order, st.integers(1, 10**8 - 1), st.sampled_from(["usd", "USD", "Cad"]), st.integers(1, 2**63 - 1))
CHARGES = st.builds(Charge, st.text(max_size=400), st.text(max_size=400))
TIMES = st.datetimes(datetime(2025, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  zone is given


@given(ORDERS, CHARGES, TIMES)
def test_a_request_keeps_to_stripes_limits(an_order: Order, charge: Charge, now: datetime) -> None:
    request = session_request(an_order, charge, PAGES, key=KEY, now=now)
    life = datetime.fromtimestamp(request["expires_at"], UTC) - now
    assert timedelta(minutes=30) < life < timedelta(hours=24)
    assert timedelta(hours=23) <= life, "a new link lives longer than the longest life that a setting can ask for"
    assert request.keys() <= SessionCreateParams.__annotations__.keys()
    assert len(request["client_reference_id"]) <= 200
    for name, value in request["metadata"].items():
        assert len(name) <= 40
        assert len(value) <= 500
        assert not {"[", "]"} & set(name)
    words = request["line_items"][0]["price_data"]["product_data"]
    for text in words.values():
        assert 1 <= len(text) <= 250
        assert text.isprintable()
        assert text == " ".join(text.split())


@given(ORDERS, CHARGES)
def test_a_request_charges_just_what_the_order_says(an_order: Order, charge: Charge) -> None:
    request = session_request(an_order, charge, PAGES, key=KEY, now=NOW)
    (line,) = request["line_items"]
    assert (line["quantity"], line["price_data"]["unit_amount"]) == (1, an_order.amount)
    assert line["price_data"]["currency"] == an_order.currency.lower()
    assert request["mode"] == "payment"
    assert request["adaptive_pricing"] == {"enabled": False}


@given(ORDERS, CHARGES)
def test_session_and_payment_lead_back_to_the_order_and_the_attempt(an_order: Order, charge: Charge) -> None:
    request = session_request(an_order, charge, PAGES, key=KEY, now=NOW)
    assert request["metadata"] == {ORDER_KEY: str(an_order.id), ATTEMPT_KEY: str(KEY)}
    assert request["payment_intent_data"]["metadata"] == request["metadata"]
    assert str(an_order.id) in request["client_reference_id"]


@given(ORDERS, CHARGES)
def test_a_stored_request_replays_as_it_was(an_order: Order, charge: Charge) -> None:
    request = session_request(an_order, charge, PAGES, key=KEY, now=NOW)
    assert json.loads(json.dumps(request)) == request
    assert "\\u0000" not in json.dumps(request), "PostgreSQL's jsonb takes no NUL"


def test_the_parent_reads_the_product_and_the_player() -> None:
    charge = Charge("Utah Invitational:\n17U  Elite entry", "Amy Abbott")
    request = session_request(order(), charge, PAGES, key=KEY, now=NOW)
    words = request["line_items"][0]["price_data"]["product_data"]
    assert words == {"name": "Utah Invitational: 17U Elite entry", "description": "Amy Abbott"}


def test_the_cancel_page_is_left_out_where_there_is_none() -> None:
    assert "cancel_url" in session_request(order(), Charge("", ""), PAGES, key=KEY, now=NOW)
    bare = ReturnPages("https://club.example.org/paid", None)
    assert "cancel_url" not in session_request(order(), Charge("", ""), bare, key=KEY, now=NOW)
