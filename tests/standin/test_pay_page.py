from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from stripe import StripeClient
from stripe.checkout import Session

from deployments.local.stripe_standin.control import StandInControl

Create = Callable[..., Session]


def url_of(session: Session) -> str:
    return str(session.url).partition("#")[0]  # a browser does not send the fragment


def post(url: str, **headers: str) -> httpx.Response:
    return httpx.post(url, data={"method": "card"}, headers=headers, trust_env=False)


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


def test_the_page_says_what_is_paid_and_looking_at_it_pays_nothing(
    new_session: Create, control: StandInControl
) -> None:
    line = {
        "price_data": {"currency": "usd", "unit_amount": 2750, "product_data": {"name": "<b>Spring</b> Classic"}},
        "quantity": 2,
    }
    session = new_session(line_items=[line], cancel_url="https://club.example.org/back")
    page = get(url_of(session))
    assert page.status_code == 200
    assert "Pay $55.00" in page.text
    assert "Pay by slow bank transfer" in page.text
    assert "&lt;b&gt;Spring&lt;/b&gt; Classic \N{MULTIPLICATION SIGN} 2" in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"], "nobody clicks unknowingly"
    assert httpx.head(url_of(session), trust_env=False).status_code == 200
    assert [found["status"] for found in control.sessions()] == ["open"]


def test_paying_on_the_page_shows_what_happened(new_session: Create, control: StandInControl) -> None:
    session = new_session()
    answer = post(url_of(session))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/c/pay/{session.id}")
    assert control.sessions()[0]["payment_status"] == "paid"
    page = get(url_of(session))
    assert page.status_code == 200
    assert "this has been paid" in page.text
    assert f"https://club.example.org/paid?session={session.id}" in page.text
    assert "<form" not in page.text
    assert post(url_of(session)).status_code == 200


def test_the_page_tells_only_what_is_sold(new_session: Create, control: StandInControl) -> None:
    session = new_session(customer_email="robin@example.com")
    for state in ("open", "paid"):
        page = get(url_of(session)).text
        assert "Spring Classic" in page
        for untold in ("order-17", "Order 17", "attempt", "robin", "pi_"):
            assert untold not in page, state
        if state == "open":
            control.pay(session.id)


def test_a_slow_transfer_can_be_chosen(new_session: Create, control: StandInControl) -> None:
    session = new_session()
    httpx.post(url_of(session), data={"method": "bank_transfer"}, trust_env=False)
    assert control.sessions()[0]["payment_status"] == "unpaid"
    assert "bank transfer is on its way" in get(url_of(session)).text


def test_a_success_url_on_this_machine_is_gone_to(new_session: Create) -> None:
    session = new_session(success_url="http://localhost:9/paid?session={CHECKOUT_SESSION_ID}")
    answer = post(url_of(session))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"http://localhost:9/paid?session={session.id}")


@pytest.mark.parametrize("origin", ["https://elsewhere.example.org", "null", "http://127.0.0.1:1"])
def test_another_site_cannot_pay(new_session: Create, control: StandInControl, origin: str) -> None:
    assert post(url_of(new_session()), Origin=origin).status_code == 403
    assert control.sessions()[0]["status"] == "open"


def test_its_own_page_can_pay(new_session: Create, control: StandInControl, base_url: str) -> None:
    assert post(url_of(new_session()), Origin=base_url).status_code == 303
    assert control.sessions()[0]["status"] == "complete"


def test_a_dead_link_says_so(
    new_session: Create, stripe_client: StripeClient, control: StandInControl, base_url: str
) -> None:
    lapsed, closed = new_session(), new_session()
    stripe_client.v1.checkout.sessions.expire(closed.id)
    control.advance_clock(25 * 3600)
    for session in (lapsed, closed):
        for answer in (get(url_of(session)), post(url_of(session))):
            assert answer.status_code == 410
            assert "This link has expired" in answer.text
    assert get(f"{base_url}/c/pay/cs_test_unknown").status_code == 404
    assert post(f"{base_url}/c/pay/cs_test_unknown").status_code == 404
    assert {found["status"] for found in control.sessions()} == {"expired"}
