from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from stripe import AuthenticationError, InvalidRequestError, StripeClient
from stripe import PermissionError as StripePermissionError

from deployments.local.stripe_standin.control import StandInControl

Clients = Callable[[str], StripeClient]


@pytest.mark.parametrize("key", ["sk_test_short", "sk_prod_standin0001", "nonsense", "sk_test_stand in01"])
def test_a_malformed_key_is_refused_and_not_repeated(client_for: Clients, key: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        client_for(key).v1.checkout.sessions.list()
    assert caught.value.http_status == 401
    assert "Invalid API Key provided: " in str(caught.value)
    assert key not in str(caught.value)


def test_a_missing_or_publishable_or_expired_key_is_refused(client_for: Clients, base_url: str) -> None:
    assert httpx.get(f"{base_url}/v1/checkout/sessions", trust_env=False).status_code == 401
    for key, code in (("pk_test_standin0001", "secret_key_required"), ("sk_live_a_revoked_key1", "api_key_expired")):
        with pytest.raises(AuthenticationError) as caught:
            client_for(key).v1.checkout.sessions.list()
        assert caught.value.http_status == 401
        assert f'"code":"{code}"' in str(caught.value.http_body)


def test_basic_authentication_works_as_stripes_examples_have_it(client_for: Clients, base_url: str) -> None:
    client_for("sk_test_standin0001")
    path = f"{base_url}/v1/checkout/sessions"
    assert httpx.get(path, auth=("sk_test_standin0001", ""), trust_env=False).status_code == 200
    assert httpx.get(path, headers={"Authorization": "Basic %%%"}, trust_env=False).status_code == 401


def test_a_read_only_key_reads_and_is_told_what_it_lacks(
    client_for: Clients, parameters: dict[str, Any], control: StandInControl
) -> None:
    session = client_for("sk_test_standin0001").v1.checkout.sessions.create(parameters)  # type: ignore[arg-type]  # a dict
    restricted = client_for("rk_test_standin_readonly_key")
    assert restricted.v1.checkout.sessions.retrieve(session.id).id == session.id
    attempts: list[Callable[[], object]] = [
        lambda: restricted.v1.checkout.sessions.create(parameters),  # type: ignore[arg-type]  # a dict
        lambda: restricted.v1.checkout.sessions.expire(session.id),
    ]
    for attempt in attempts:
        with pytest.raises(StripePermissionError) as caught:
            attempt()
        assert caught.value.http_status == 403
        assert "rak_checkout_session_write" in str(caught.value)
    assert [found["status"] for found in control.sessions()] == ["open"]


@pytest.mark.parametrize(("own", "other"), [("test", "live"), ("live", "test")])
def test_the_modes_do_not_see_each_other(
    client_for: Clients, parameters: dict[str, Any], control: StandInControl, own: str, other: str
) -> None:
    client, stranger = client_for(f"sk_{own}_standin0001"), client_for(f"rk_{other}_standin0002")
    session = client.v1.checkout.sessions.create(parameters)  # type: ignore[arg-type]  # a dict
    assert session.livemode == (own == "live")
    assert session.id.startswith(f"cs_{own}_")
    assert stranger.v1.checkout.sessions.list().data == []
    with pytest.raises(InvalidRequestError) as caught:
        stranger.v1.checkout.sessions.retrieve(session.id)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert f"a similar object exists in {own} mode, but a {other} mode key was used" in str(caught.value)
    assert len(control.sessions()) == 1


def test_the_request_log_holds_no_key(client_for: Clients, parameters: dict[str, Any], control: StandInControl) -> None:
    client = client_for("sk_test_verysecret99")
    session = client.v1.checkout.sessions.create(parameters, {"idempotency_key": "k-1"})  # type: ignore[arg-type]  # a dict
    client.v1.checkout.sessions.retrieve(session.id)
    created, read = control.requests()
    assert (created["method"], created["path"], created["status"]) == ("POST", "/v1/checkout/sessions", 200)
    assert (created["session_id"], created["idempotency_key"]) == (session.id, "k-1")
    assert created["parameters"]["metadata"] == {"order_id": "17", "attempt": "a"}
    assert (read["session_id"], read["fault"]) == (session.id, None)
    assert control.requests(since=created["seq"]) == [read]
    assert "verysecret" not in repr([created, read])
    control.clear_requests()
    assert control.requests() == []
