from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from stripe import APIError, IdempotencyError, InvalidRequestError, StripeClient, StripeError
from stripe.checkout import Session

from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.faults import FaultName
from tests.support.waiting import until

SESSIONS = "/v1/checkout/sessions"
Create = Callable[..., Session]


@pytest.fixture
def create(stripe_client: StripeClient, parameters: dict[str, Any]) -> Create:
    def send(key: str, **changes: Any) -> Session:  # noqa: ANN401 - parameters of any kind
        return stripe_client.v1.checkout.sessions.create({**parameters, **changes}, {"idempotency_key": key})  # type: ignore[arg-type]  # a dict

    return send


def replayed(session: Session) -> bool:
    assert session.last_response is not None
    return session.last_response.headers.get("Idempotent-Replayed") == "true"


def test_a_second_request_with_the_key_gets_the_first_answer(create: Create, control: StandInControl) -> None:
    first, second = create("k"), create("k")
    assert (replayed(first), replayed(second)) == (False, True)
    assert second.to_dict() == first.to_dict()
    assert create("another").id != first.id
    assert len(control.sessions()) == 2


def test_a_replay_can_be_stale(create: Create, stripe_client: StripeClient, control: StandInControl) -> None:
    session = create("k")
    control.pay(session.id)
    assert create("k").status == "open"
    assert stripe_client.v1.checkout.sessions.retrieve(session.id).status == "complete"


def test_other_parameters_or_another_endpoint_are_refused(
    create: Create, stripe_client: StripeClient, control: StandInControl
) -> None:
    session = create("k")
    with pytest.raises(IdempotencyError, match="same parameters") as caught:
        create("k", client_reference_id="order-18")
    assert caught.value.http_status == 400
    with pytest.raises(IdempotencyError, match="same endpoint"):
        stripe_client.v1.checkout.sessions.expire(session.id, options={"idempotency_key": "k"})
    assert [found["status"] for found in control.sessions()] == ["open"]


def test_the_modes_have_keys_of_their_own(
    create: Create, client_for: Callable[[str], StripeClient], parameters: dict[str, Any]
) -> None:
    test = create("k")
    live_client = client_for("sk_live_standin0001")  # nobody's key: the stand-in goes by its prefix
    live = live_client.v1.checkout.sessions.create(parameters, {"idempotency_key": "k"})  # type: ignore[arg-type]  # a dict
    assert live.id != test.id


def test_refusals_are_not_saved(create: Create) -> None:
    with pytest.raises(InvalidRequestError):
        create("k", mode="gift")
    assert not replayed(create("k"))


@pytest.mark.parametrize("fault", ["429", "409", "lock_timeout"])
def test_conflicts_and_limits_are_not_saved(create: Create, control: StandInControl, fault: FaultName) -> None:
    control.add_fault(fault)
    with pytest.raises(StripeError):
        create("k")
    assert not replayed(create("k"))


def test_a_server_error_is_saved_and_nothing_made(create: Create, control: StandInControl) -> None:
    control.add_fault("500")
    for _ in range(2):
        with pytest.raises(APIError) as caught:
            create("k")
        assert caught.value.http_status == 500
    assert control.sessions() == []
    assert caught.value.headers is not None
    assert caught.value.headers["Idempotent-Replayed"] == "true"


def test_a_server_error_after_the_commit_hides_a_session_that_exists(create: Create, control: StandInControl) -> None:
    control.add_fault("500_after_commit")
    for _ in range(2):
        with pytest.raises(APIError):
            create("k")
    (session,) = control.sessions()
    assert (session["status"], session["metadata"]["order_id"]) == ("open", "17")


def test_keys_are_forgotten_after_24_hours(create: Create, control: StandInControl) -> None:
    first = create("k")
    control.advance_clock(24 * 3600 - 60)
    assert create("k").id == first.id
    control.advance_clock(120)
    assert create("k").id != first.id


def test_a_key_has_at_most_255_characters(create: Create) -> None:
    assert create("k" * 255).id
    with pytest.raises(InvalidRequestError):
        create("k" * 256)


def test_a_key_in_flight_is_a_conflict_until_its_first_request_is_answered(
    create: Create, control: StandInControl
) -> None:
    control.add_fault("slow", method="POST", seconds=60)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(create, "k")
        until(control.sessions)  # the session is committed before its answer is held
        try:
            with pytest.raises(APIError) as caught:
                create("k")
        finally:
            control.clear_faults()
        first = held.result()
    assert caught.value.http_status == 409
    assert '"code":"idempotency_key_in_use"' in str(caught.value.http_body)
    assert create("k").id == first.id
    assert len(control.sessions()) == 1


@pytest.mark.parametrize("latency_ms", [0, 5])
def test_many_at_once_with_one_key_make_one_session(create: Create, control: StandInControl, latency_ms: float) -> None:
    control.configure(latency_ms=latency_ms)

    def attempt(_number: int) -> str | None:
        try:
            return create("k").id
        except APIError as conflict:
            return None if conflict.http_status == 409 else f"refused otherwise: {conflict}"

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(attempt, range(40))) - {None}
    assert len(ids) == len(control.sessions()) == 1


def test_reads_ignore_the_key(stripe_client: StripeClient, create: Create, control: StandInControl) -> None:
    session = create("k")
    options: Any = {"idempotency_key": "r"}
    assert stripe_client.v1.checkout.sessions.retrieve(session.id, options=options).status == "open"
    control.pay(session.id)
    assert stripe_client.v1.checkout.sessions.retrieve(session.id, options=options).status == "complete"
