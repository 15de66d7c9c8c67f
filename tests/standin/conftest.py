from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stripe import PaymentLink, StripeClient
from stripe.checkout import Session

from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import RunningStandIn, running_stand_in
from deployments.local.temporary_home import temporary_home

TEST_KEY = "sk_test_standin0001"
Parameters = dict[str, Any]


@pytest.fixture(scope="session")
def server() -> Iterator[RunningStandIn]:
    with temporary_home(in_memory=True) as folder, running_stand_in(folder / "stripe.db") as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def base_url(server: RunningStandIn) -> str:
    return server.base_url


@pytest.fixture(scope="session")
def shared_control(server: RunningStandIn) -> Iterator[StandInControl]:
    with server.control() as control:
        yield control


@pytest.fixture
def control(shared_control: StandInControl) -> StandInControl:
    shared_control.reset()
    return shared_control


@pytest.fixture
def client_for(base_url: str, control: StandInControl) -> Callable[[str], StripeClient]:
    """Make a client of the emptied stand-in with a given key."""
    assert control.health()
    return lambda key: StripeClient(key, base_addresses={"api": base_url})


@pytest.fixture
def stripe_client(client_for: Callable[[str], StripeClient]) -> StripeClient:
    return client_for(TEST_KEY)


@pytest.fixture
def parameters() -> Parameters:
    """Give the parameters of an ordinary session for $55.00."""
    return {
        "mode": "payment",
        "success_url": "https://club.example.org/paid?session={CHECKOUT_SESSION_ID}",
        "line_items": [
            {
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 5500,
                    "product_data": {"name": "Spring Classic", "description": "Team fee", "metadata": {"team": "7"}},
                },
                "quantity": 1,
            }
        ],
        "adaptive_pricing": {"enabled": False},
        "client_reference_id": "order-17",
        "metadata": {"order_id": "17", "attempt": "a"},
        "payment_intent_data": {"metadata": {"order_id": "17"}, "description": "Order 17"},
    }


@pytest.fixture
def new_session(stripe_client: StripeClient, parameters: Parameters) -> Callable[..., Session]:
    """Create an ordinary session; keyword arguments change its parameters."""

    def create(**changes: Any) -> Session:  # noqa: ANN401 - parameters of any kind
        return stripe_client.v1.checkout.sessions.create({**parameters, **changes})  # type: ignore[arg-type]  # as above

    return create


@pytest.fixture
def link_parameters(parameters: Parameters) -> Parameters:
    """Give the parameters of an ordinary payment link: the same $55.00, payable once."""
    return {
        "line_items": parameters["line_items"],
        "metadata": {"order_id": "17"},
        "payment_intent_data": {"metadata": {"order_id": "17"}, "description": "Order 17"},
        "restrictions": {"completed_sessions": {"limit": 1}},
    }


@pytest.fixture
def new_link(stripe_client: StripeClient, link_parameters: Parameters) -> Callable[..., PaymentLink]:
    """Create an ordinary payment link; keyword arguments change its parameters."""

    def create(**changes: Any) -> PaymentLink:  # noqa: ANN401 - parameters of any kind
        return stripe_client.v1.payment_links.create({**link_parameters, **changes})  # type: ignore[typeddict-item]  # as above

    return create
