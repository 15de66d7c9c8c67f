from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from stripe import StripeClient
from stripe.checkout import Session

from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import running_stand_in


def client_of(base_url: str) -> StripeClient:
    return StripeClient("sk_test_standin0001", base_addresses={"api": base_url})


def test_everything_outlives_kill_9(tmp_path: Path, parameters: dict[str, Any]) -> None:
    data = tmp_path / "state" / "stripe.db"
    with running_stand_in(data) as first, first.control() as control:
        client = client_of(first.base_url)
        control.set_clock(2_000_000_000)
        control.configure(latency_ms=1)
        control.add_fault("429", path_prefix="/v1/payment_intents/")
        made = [
            client.v1.checkout.sessions.create(parameters, {"idempotency_key": str(n)})  # type: ignore[arg-type]  # a dict
            for n in range(5)
        ]
        control.pay(made[0].id)
        first.kill()
    with running_stand_in(data) as second, second.control() as control:
        client = client_of(second.base_url)
        found = client.v1.checkout.sessions.list().data
        assert [session.id for session in found] == [session.id for session in made[::-1]]
        assert [session.status for session in found] == ["open"] * 4 + ["complete"]
        assert control.now() >= 2_000_000_000
        assert len(control.faults()) == 1
        assert len(control.requests()) == 6
        again = client.v1.checkout.sessions.create(parameters, {"idempotency_key": "4"})  # type: ignore[arg-type]  # a dict
        assert again.id == made[4].id
        # The port has changed; what is given out leads to where the stand-in is now, also in a replay.
        for session in (again, found[0]):
            assert str(session.url).startswith(f"{second.base_url}/c/pay/{session.id}#")
            assert str(session.url).partition("#")[2] == str(made[4].url).partition("#")[2]


def test_links_and_their_count_outlive_kill_9(tmp_path: Path, link_parameters: dict[str, Any]) -> None:
    data = tmp_path / "stripe.db"
    with running_stand_in(data) as first, first.control() as control:
        link = client_of(first.base_url).v1.payment_links.create(link_parameters)  # type: ignore[arg-type]  # a dict
        control.configure(two_tabs=True)
        waiting = control.open_link(link.id)
        control.pay(control.open_link(link.id)["id"])
        first.kill()
    with running_stand_in(data) as second, second.control() as control:
        found = client_of(second.base_url).v1.payment_links.retrieve(link.id)
        assert found.url == link.url.replace(first.base_url, second.base_url)
        control.pay(waiting["id"])
        (used,) = control.payment_links()
        assert (used["restrictions"]["completed_sessions"]["count"], used["active"]) == (2, False)


def test_a_file_of_before_there_were_links_is_taken_on(
    tmp_path: Path, parameters: dict[str, Any], link_parameters: dict[str, Any]
) -> None:
    data = tmp_path / "stripe.db"
    with running_stand_in(data) as first:
        old = client_of(first.base_url).v1.checkout.sessions.create(parameters)  # type: ignore[arg-type]  # a dict
    with closing(sqlite3.connect(data)) as file:
        file.executescript(
            "DROP INDEX sessions_payment_link; ALTER TABLE sessions DROP COLUMN payment_link;"
            "ALTER TABLE requests DROP COLUMN object_id; DROP TABLE payment_links;"
        )
    with running_stand_in(data) as second, second.control() as control:
        client = client_of(second.base_url)
        link = client.v1.payment_links.create(link_parameters)  # type: ignore[arg-type]  # a dict
        session = control.open_link(link.id)
        assert [found.id for found in client.v1.checkout.sessions.list().data] == [session["id"], old.id]
        assert [entry["object_id"] for entry in control.requests()] == [None, link.id, None]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    with running_stand_in(tmp_path / "stripe.db") as stand_in, stand_in.control() as control:
        assert control.health()
        stand_in.process.send_signal(number)
        assert stand_in.process.wait(timeout=30) == 0
        assert not control.health()


def test_a_second_stand_in_on_the_same_file_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "stripe.db"
    with running_stand_in(data), pytest.raises(RuntimeError, match="did not start"), running_stand_in(data):
        pass
    assert f"another stand-in is using {data}" in capfd.readouterr().err


def test_what_was_kept_is_all_that_there_is_after_a_restore(
    stripe_client: StripeClient, new_session: Callable[..., Session], control: StandInControl
) -> None:
    kept = new_session()
    control.keep()
    control.pay(kept.id)
    new_session()
    control.restore()
    assert [(session["id"], session["status"]) for session in control.sessions()] == [(kept.id, "open")]
    stripe_client.v1.checkout.sessions.expire(kept.id)
    control.restore()
    assert [session["status"] for session in control.sessions()] == ["open"]
