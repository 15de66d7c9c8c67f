from __future__ import annotations

from collections.abc import Callable

import pytest
from stripe import InvalidRequestError, StripeClient
from stripe.checkout import Session

from deployments.local.stripe_standin.control import StandInControl


def test_an_open_session_expires_as_soon_as_the_clock_has_passed(
    stripe_client: StripeClient, new_session: Callable[..., Session], control: StandInControl
) -> None:
    session = new_session()
    control.set_clock(session.expires_at - 60)
    assert stripe_client.v1.checkout.sessions.retrieve(session.id).status == "open"
    control.set_clock(session.expires_at)
    expired = stripe_client.v1.checkout.sessions.retrieve(session.id)
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)


def test_a_paid_session_never_expires(
    stripe_client: StripeClient, new_session: Callable[..., Session], control: StandInControl
) -> None:
    session = new_session()
    control.pay(session.id)
    control.advance_clock(48 * 3600)
    assert stripe_client.v1.checkout.sessions.retrieve(session.id).status == "complete"


def test_expiring_closes_a_session_for_good(stripe_client: StripeClient, new_session: Callable[..., Session]) -> None:
    session = new_session()
    expired = stripe_client.v1.checkout.sessions.expire(session.id)
    assert (expired.id, expired.status, expired.url) == (session.id, "expired", None)
    assert stripe_client.v1.checkout.sessions.retrieve(session.id).status == "expired"


@pytest.mark.parametrize("state", ["expired", "complete", "unpaid", "lapsed"])
def test_only_an_open_session_can_be_expired(
    stripe_client: StripeClient, new_session: Callable[..., Session], control: StandInControl, state: str
) -> None:
    id_ = new_session().id
    match state:
        case "expired":
            stripe_client.v1.checkout.sessions.expire(id_)
        case "lapsed":
            control.advance_clock(25 * 3600)
        case _:
            control.pay(id_, slow=state == "unpaid")
    with pytest.raises(InvalidRequestError) as caught:
        stripe_client.v1.checkout.sessions.expire(id_)
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, None, None)


def test_the_clock_goes_on_ticking_from_where_it_was_set_and_can_be_put_back(control: StandInControl) -> None:
    control.set_clock(2_000_000_000)
    first = control.now()
    assert 2_000_000_000 <= first <= control.now()
    control.advance_clock(500)
    assert control.now() >= first + 500
    control.reset_clock()
    assert control.now() < 2_000_000_000


def test_an_unknown_session_is_not_found(stripe_client: StripeClient) -> None:
    for ask in (stripe_client.v1.checkout.sessions.retrieve, stripe_client.v1.checkout.sessions.expire):
        with pytest.raises(InvalidRequestError) as caught:
            ask("cs_test_unknown")
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
