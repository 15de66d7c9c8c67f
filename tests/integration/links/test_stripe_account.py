"""The life of a link, told so that it runs on the stand-in (make test) and on Stripe's test mode (make test-stripe).

What takes a day is left out here, and what only a payer can do in a browser unless somebody is there to do it
(STRIPE_BY_HAND=1): then the address to open is shown, and what to do there.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest
import stripe
from pydantic import SecretStr

from deployments.local.stripe_standin.control import StandInControl
from tasks.core.errors import ConfigurationError
from tasks.core.settings import Settings
from tasks.core.settings_values import STRIPE_API
from tasks.links.model import Charge, LinkKind, LinkOutcome
from tasks.links.stripe_api import NotOpenError, RefusedError
from tasks.links.stripe_params import ReturnPages, session_request
from tasks.refresh.options import RefreshOptions
from tests.integration.refresh.test_refresh import RENEW, RefreshedClub
from tests.support.harness import Inbox, open_pipeline
from tests.support.small_club import FEE

CHARGE = Charge("Spring Cup: Hawks entry", "Max Ek")
log = logging.getLogger(__name__)


@pytest.fixture
def account_settings(settings: Settings) -> Settings:
    """The settings of the stand-in, or of the test account whose key make test-stripe was given."""
    if not os.environ.get("STRIPE_SUITE"):
        return settings
    key = os.environ["STRIPE_TEST_KEY"]
    assert key.startswith(("sk_test_", "rk_test_")), "this suite makes sessions: it takes a test key only"
    return settings.model_copy(update={"stripe_api_key": SecretStr(key), "stripe_api_base": STRIPE_API})


@pytest.fixture
def client(account_settings: Settings) -> stripe.StripeClient:
    """The club's own system, and whoever else uses the account."""
    key, base = account_settings.stripe_api_key.get_secret_value(), account_settings.stripe_api_base
    return stripe.StripeClient(key, base_addresses={"api": base})


@pytest.fixture
def club(account_settings: Settings, stand_in: StandInControl, inbox: Inbox) -> Iterator[RefreshedClub]:
    with open_pipeline(account_settings, stand_in, inbox) as pipeline:
        club = RefreshedClub.on(pipeline)
        # Orders that no other run of this suite on the account has had.
        club.sql("SELECT setval(pg_get_serial_sequence('orders', 'id'), :first)", first=uuid4().int % 10**15)
        yield club
        for row in club.sql("SELECT session_id FROM tournament_fees.checkout_attempts WHERE state = 'open'"):
            for link in pipeline.services.stripe.find(row.session_id)[:1]:
                pipeline.services.stripe.expire(link)


@pytest.fixture
def order(club: RefreshedClub) -> int:
    return club.family()[0]


def status_of(client: stripe.StripeClient, session_id: str | None) -> str | None:
    return client.v1.checkout.sessions.retrieve(str(session_id)).status


def own_session(client: stripe.StripeClient, club: RefreshedClub, order: int, *, amount: int = FEE) -> str:
    price: Any = {"currency": "usd", "unit_amount": amount, "product_data": {"name": "Entry"}}
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": "https://club.example.org/paid",
            "client_reference_id": str(order),
        }
    )
    club.set_order(order, stripe_checkout_session_id=session.id)
    return session.id


def keep(
    club: RefreshedClub, order: int, *, committed: bool = True, kind: LinkKind = LinkKind.CHECKOUT_SESSION
) -> LinkOutcome:
    return club.pipeline.services.keeper.ensure_link(
        order, CHARGE if committed else None, mailing=True, kind=kind
    ).outcome


def test_a_link_is_made_kept_backfilled_and_closed(
    client: stripe.StripeClient, club: RefreshedClub, order: int
) -> None:
    assert keep(club, order) is LinkOutcome.MADE
    session = club.order_now(order).stripe_checkout_session_id
    assert club.order_now(order).stripe_checkout_url.startswith("http")
    assert keep(club, order) is LinkOutcome.KEPT
    club.set_order(order, stripe_checkout_url=None)
    assert keep(club, order) is LinkOutcome.BACKFILLED
    assert keep(club, order, committed=False) is LinkOutcome.CLOSED
    assert status_of(client, session) == "expired"
    assert keep(club, order) is LinkOutcome.RENEWED


def test_a_wrong_price_is_closed_and_replaced(client: stripe.StripeClient, club: RefreshedClub, order: int) -> None:
    old = own_session(client, club, order, amount=7500)
    assert keep(club, order) is LinkOutcome.RENEWED
    assert status_of(client, old) == "expired"


def test_a_second_session_is_found_by_the_sweep_and_closed(
    client: stripe.StripeClient, club: RefreshedClub, order: int
) -> None:
    first = own_session(client, club, order)
    second = own_session(client, club, order)
    club.refresh(RefreshOptions(order_ids=(order,)))
    assert sorted([str(status_of(client, first)), str(status_of(client, second))]) == ["expired", "open"]


def test_an_expired_session_is_renewed_by_a_refresh_that_foretold_it(
    client: stripe.StripeClient, club: RefreshedClub, order: int
) -> None:
    old = own_session(client, club, order)
    client.v1.checkout.sessions.expire(old)
    foretold = club.refresh(RefreshOptions(renew=True, dry_run=True, order_ids=(order,)))
    assert club.order_now(order).stripe_checkout_session_id == old
    done = club.refresh(RENEW)
    assert done.outcomes == foretold.outcomes == {LinkOutcome.RENEWED: 1}


def test_the_same_key_makes_one_session(club: RefreshedClub, order: int) -> None:
    services, key = club.pipeline.services, uuid4()
    judged = services.keeper.ledger.order(order, committed=True)
    pages = ReturnPages("https://club.example.org/paid", "https://club.example.org/")
    request = session_request(judged, CHARGE, pages, key=key, now=club.pipeline.clock())
    first, again = (services.stripe.create(request, str(key)) for _ in range(2))
    assert first.id == again.id
    assert services.stripe.expire(first).status == "expired"
    with pytest.raises(NotOpenError):
        services.stripe.expire(first)


def test_what_stripe_refuses_is_said_in_its_words(club: RefreshedClub, order: int) -> None:
    club.set_order(order, amount=1)
    assert keep(club, order) is LinkOutcome.SET_ASIDE
    assert club.set_aside(order) == ["refused_by_stripe"]
    with pytest.raises(RefusedError):
        club.pipeline.services.stripe.create({"mode": "payment"}, str(uuid4()))


def test_an_unknown_session_is_for_a_person(club: RefreshedClub, order: int) -> None:
    club.set_order(order, stripe_checkout_session_id="cs_test_" + "a1" * 29)
    assert keep(club, order) is LinkOutcome.SET_ASIDE
    assert club.set_aside(order) == ["unknown_session"]


def test_a_key_that_is_no_key_is_told_in_a_sentence(account_settings: Settings, club: RefreshedClub) -> None:
    wrong = account_settings.model_copy(update={"stripe_api_key": SecretStr("sk_test_invented_revoked_key")})
    with (
        open_pipeline(wrong, club.pipeline.stand_in, club.pipeline.inbox) as other,
        pytest.raises(ConfigurationError, match="does not accept STRIPE_API_KEY"),
    ):
        other.services.stripe.check()


# Payment links


def keep_link(club: RefreshedClub, order: int, *, committed: bool = True) -> LinkOutcome:
    return keep(club, order, committed=committed, kind=LinkKind.PAYMENT_LINK)


def is_active(client: stripe.StripeClient, link_id: str) -> bool:
    return client.v1.payment_links.retrieve(link_id).active


def test_a_payment_link_is_made_kept_and_switched_off(
    client: stripe.StripeClient, club: RefreshedClub, order: int
) -> None:
    assert keep_link(club, order) is LinkOutcome.MADE
    link = club.order_now(order).stripe_checkout_session_id
    assert keep_link(club, order) is LinkOutcome.KEPT
    club.set_order(order, amount=4000)
    assert keep_link(club, order) is LinkOutcome.RENEWED
    assert not is_active(client, link)
    second = club.order_now(order).stripe_checkout_session_id
    assert keep_link(club, order, committed=False) is LinkOutcome.CLOSED
    assert not is_active(client, second)


def test_each_kind_closes_the_other(client: stripe.StripeClient, club: RefreshedClub, order: int) -> None:
    keep_link(club, order)
    link = club.order_now(order).stripe_checkout_session_id
    assert keep(club, order) is LinkOutcome.RENEWED
    assert not is_active(client, link)
    session = club.order_now(order).stripe_checkout_session_id
    assert keep_link(club, order) is LinkOutcome.RENEWED
    assert status_of(client, session) == "expired"


def test_a_payment_link_that_is_on_again_is_found_by_the_sweep(
    client: stripe.StripeClient, club: RefreshedClub, order: int
) -> None:
    keep_link(club, order)
    link = club.order_now(order).stripe_checkout_session_id
    client.v1.payment_links.update(link, {"active": False})
    assert keep_link(club, order) is LinkOutcome.RENEWED
    client.v1.payment_links.update(link, {"active": True})
    club.refresh(RefreshOptions(order_ids=(order,)))
    assert not is_active(client, link)


def pay(client: stripe.StripeClient, club: RefreshedClub, link_id: str, what: str, *, tabs: int) -> int:
    """Pay through a link in so many tabs, the stand-in's or by hand; return how many payments Stripe took."""
    if os.environ.get("STRIPE_SUITE"):
        if not os.environ.get("STRIPE_BY_HAND"):
            pytest.skip("only a person can do that at Stripe: STRIPE_BY_HAND=1 with ARGS=-s")
        input(f"\nOpen {client.v1.payment_links.retrieve(link_id).url} {what}. Then press Enter: ")
    else:
        stand_in = club.pipeline.stand_in
        for session in [stand_in.open_link(link_id)["id"] for _ in range(tabs)]:
            with suppress(httpx.HTTPStatusError):  # used up
                stand_in.pay(session, slow="bank" in what)
    taken = client.v1.checkout.sessions.list({"payment_link": link_id, "status": "complete"}).data
    log.info("Stripe took %d of %d payments: %s", len(taken), tabs, [session.payment_status for session in taken])
    return len(taken)


@pytest.mark.parametrize("two_tabs", [True, False])
def test_two_tabs_at_once_pay_once_or_are_named_for_refund(
    client: stripe.StripeClient, club: RefreshedClub, order: int, *, two_tabs: bool
) -> None:
    """Stripe's documents leave open whether the second tab can be paid: both ends are told."""
    club.pipeline.stand_in.configure(two_tabs=two_tabs)
    keep_link(club, order)
    link = club.order_now(order).stripe_checkout_session_id
    taken = pay(client, club, link, "in two tabs, and pay in both with the card 4242 4242 4242 4242", tabs=2)
    assert taken >= 1
    assert keep_link(club, order) is LinkOutcome.FOUND_PAID
    assert club.set_aside(order) == ["paid_twice"] * (taken - 1)
    assert not is_active(client, link)


def test_a_slow_payment_leaves_no_other_way_to_pay(
    client: stripe.StripeClient, club: RefreshedClub, order: int
) -> None:
    keep_link(club, order)
    link = club.order_now(order).stripe_checkout_session_id
    pay(client, club, link, "and pay with a US bank account (success)", tabs=1)
    assert keep_link(club, order) in {LinkOutcome.PROCESSING, LinkOutcome.FOUND_PAID}
    assert not is_active(client, link)


@pytest.mark.parametrize("failed_frees", [True, False])
def test_a_slow_payment_that_fails_is_asked_for_by_another_link(
    client: stripe.StripeClient, club: RefreshedClub, order: int, *, failed_frees: bool
) -> None:
    """Stripe's documents leave open whether the first link can be used again then."""
    club.pipeline.stand_in.configure(failed_frees=failed_frees)
    keep_link(club, order)
    link = club.order_now(order).stripe_checkout_session_id
    pay(
        client, club, link, "and pay with a US bank account (failure). Wait until the Dashboard calls it failed", tabs=1
    )
    if not os.environ.get("STRIPE_SUITE"):
        for session in club.pipeline.stand_in.sessions():
            club.pipeline.stand_in.fail(session["id"])
    assert keep_link(club, order) is LinkOutcome.RENEWED
    assert not is_active(client, link)
    assert is_active(client, club.order_now(order).stripe_checkout_session_id)
