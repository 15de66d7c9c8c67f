from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from stripe import PaymentLink, StripeClient

from deployments.local.stripe_standin.control import StandInControl

NewLink = Callable[..., PaymentLink]


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, follow_redirects=True)


def test_a_browser_is_led_from_the_link_to_a_page_that_takes_the_payment(
    new_link: NewLink, control: StandInControl
) -> None:
    thanks = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "See you <b>there</b>"}}
    link = new_link(after_completion=thanks)
    assert httpx.head(link.url, trust_env=False).status_code == 200
    assert control.sessions() == [], "only a browser's visit opens a session"
    visit = httpx.get(link.url, trust_env=False)
    (session,) = control.sessions()
    assert (visit.status_code, str(visit.url.join(visit.headers["Location"]))) == (303, session["url"])
    page = get(link.url)
    assert "Pay $55.00" in page.text
    assert "Back without paying" not in page.text
    paid = httpx.post(str(page.url), data={"method": "card"}, trust_env=False, follow_redirects=True)
    assert "this has been paid" in paid.text
    assert "See you &lt;b&gt;there&lt;/b&gt;" in paid.text
    assert "Go on to" not in paid.text
    assert [found["payment_status"] for found in control.sessions()] == ["paid", "unpaid"]


@pytest.mark.parametrize("message", [None, "This fee was paid in cash."])
def test_a_closed_link_says_why(
    stripe_client: StripeClient, new_link: NewLink, control: StandInControl, message: str | None
) -> None:
    off, used = (new_link(inactive_message=message) if message else new_link() for _ in range(2))
    stripe_client.v1.payment_links.update(off.id, {"active": False})
    second_tab = control.open_link(used.id)
    control.pay(control.open_link(used.id)["id"])
    for url, heading, by_default in (
        (off.url, "switched off", "can no longer be paid"),
        (used.url, "has been used", "has been made or begun"),
        (second_tab["url"], "has been used", "has been made or begun"),
    ):
        page = get(url)
        assert page.status_code == 410
        assert heading in page.text
        assert (message or by_default) in page.text
        assert "<form" not in page.text
    refused = httpx.post(second_tab["url"].partition("#")[0], data={"method": "card"}, trust_env=False)
    assert refused.status_code == 410
    assert len(control.sessions()) == 2
    assert get(f"{off.url}x").status_code == 404


def test_a_slow_payment_that_failed_is_not_said_to_be_on_its_way(new_link: NewLink, control: StandInControl) -> None:
    session = control.open_link(new_link().id)
    control.pay(session["id"], slow=True)
    assert "is on its way" in get(session["url"]).text
    control.fail(session["id"])
    assert "did not go through" in get(session["url"]).text


def test_a_redirect_is_gone_to_after_paying(new_link: NewLink, control: StandInControl) -> None:
    address = "http://localhost:9/paid?session={CHECKOUT_SESSION_ID}"
    link = new_link(after_completion={"type": "redirect", "redirect": {"url": address}})
    session = control.open_link(link.id)
    assert session["success_url"] == address
    answer = httpx.post(session["url"].partition("#")[0], data={"method": "card"}, trust_env=False)
    assert answer.headers["Location"] == f"http://localhost:9/paid?session={session['id']}"
