from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from stripe import APIConnectionError, APIError, InvalidRequestError, RateLimitError, StripeClient, StripeError
from stripe.checkout import Session

from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.faults import FaultName
from deployments.local.stripe_standin.launch import RunningStandIn

Create = Callable[..., Session]


def code_of(error: StripeError) -> str:
    return str(httpx.Response(200, text=str(error.http_body)).json()["error"]["code"])


@pytest.mark.parametrize(("fault", "retry_after"), [("429", None), ("429_retry_after", "3")])
def test_a_rate_limit_is_refused_as_stripe_does_it(
    new_session: Create,
    control: StandInControl,
    fault: FaultName,
    retry_after: str | None,
) -> None:
    control.add_fault(fault, seconds=3)
    with pytest.raises(RateLimitError) as caught:
        new_session()
    assert (caught.value.http_status, caught.value.code, code_of(caught.value)) == (429, None, "rate_limit")
    assert caught.value.headers is not None
    assert caught.value.headers.get("Retry-After") == retry_after
    assert control.sessions() == []


def test_the_sdk_retries_a_lock_timeout_and_no_plain_429(
    base_url: str, parameters: dict[str, Any], control: StandInControl
) -> None:
    patient = StripeClient("sk_test_standin0001", base_addresses={"api": base_url}, max_network_retries=1)
    control.add_fault("lock_timeout")
    assert patient.v1.checkout.sessions.create(parameters).status == "open"  # type: ignore[arg-type]  # a dict
    control.add_fault("429")
    with pytest.raises(RateLimitError):
        patient.v1.checkout.sessions.create(parameters)  # type: ignore[arg-type]  # a dict


@pytest.mark.parametrize(("fault", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_leaves_no_answer(
    stripe_client: StripeClient,
    parameters: dict[str, Any],
    control: StandInControl,
    fault: FaultName,
    made: int,
) -> None:
    control.add_fault(fault, method="POST")
    with pytest.raises(APIConnectionError):
        stripe_client.v1.checkout.sessions.create(parameters, {"idempotency_key": "k"})  # type: ignore[arg-type]  # a dict
    assert len(control.sessions()) == made
    again = stripe_client.v1.checkout.sessions.create(parameters, {"idempotency_key": "k"})  # type: ignore[arg-type]  # a dict
    (session,) = control.sessions()
    assert session["id"] == again.id
    assert [entry["status"] for entry in control.requests()] == [None, 200]
    assert control.requests()[0]["fault"] == fault


def test_a_refusal_can_get_lost_too(stripe_client: StripeClient, new_session: Create, control: StandInControl) -> None:
    session = stripe_client.v1.checkout.sessions.expire(new_session().id)
    control.add_fault("drop_after")
    with pytest.raises(APIConnectionError):
        stripe_client.v1.checkout.sessions.expire(session.id)
    with pytest.raises(InvalidRequestError):
        stripe_client.v1.checkout.sessions.expire(session.id)


def test_a_payment_between_a_read_and_an_expire_wins(
    stripe_client: StripeClient, new_session: Create, control: StandInControl
) -> None:
    session = new_session()
    control.add_fault("pay_first", path_prefix=f"/v1/checkout/sessions/{session.id}/expire")
    assert stripe_client.v1.checkout.sessions.retrieve(session.id).status == "open"
    with pytest.raises(InvalidRequestError):
        stripe_client.v1.checkout.sessions.expire(session.id)
    assert stripe_client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_pay_first_does_nothing_where_there_is_nothing_to_pay(new_session: Create, control: StandInControl) -> None:
    control.add_fault("pay_first")
    assert new_session().status == "open"
    assert control.faults() == []


def test_faults_are_taken_in_order_by_the_requests_they_match(
    stripe_client: StripeClient, new_session: Create, control: StandInControl
) -> None:
    control.add_fault("500", method="GET", count=2)
    control.add_fault("429", method="POST", nth=2)
    control.add_fault("429", path_prefix="/v1/payment_intents/")
    session = new_session()
    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(stripe_client.v1.checkout.sessions.retrieve(session.id).status)
        except APIError as error:
            outcomes.append(str(error.http_status))
    assert outcomes == ["500", "500", "open"]
    with pytest.raises(RateLimitError):
        new_session()
    assert [fault["path_prefix"] for fault in control.faults()] == ["/v1/payment_intents/"]
    control.clear_faults()
    assert control.faults() == []


@pytest.mark.parametrize(
    "body", [{"fault": "meteor"}, {"fault": "429", "count": 0}, {"fault": "429", "matches": {}}], ids=str
)
def test_a_fault_that_makes_no_sense_is_refused(
    server: RunningStandIn, control: StandInControl, body: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {server.secret}"}
    answer = httpx.post(f"{server.base_url}/_standin/faults", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 422
    assert control.faults() == []


@pytest.mark.parametrize("retry_after", [True, False])
def test_writes_and_reads_have_limits_of_their_own(
    stripe_client: StripeClient, new_session: Create, control: StandInControl, *, retry_after: bool
) -> None:
    # So slow that the bucket does not fill again within the test.
    control.configure(writes_per_second=0.001, retry_after=retry_after)
    session = new_session()
    with pytest.raises(RateLimitError) as caught:
        new_session()
    assert caught.value.headers is not None
    assert ("Retry-After" in caught.value.headers) == retry_after
    assert stripe_client.v1.checkout.sessions.retrieve(session.id).status == "open"
    control.configure(reads_per_second=0.001)
    assert new_session().status == "open"
    assert stripe_client.v1.checkout.sessions.list().data
    with pytest.raises(RateLimitError):
        stripe_client.v1.checkout.sessions.list()
