"""Look, test, approve: what an administrator does in the Prefect UI before anything is sent."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployments.local.demo_club import TOURNAMENT
from tests.integration.local.onlookers import open_to_others
from tests.runs.test_privacy import logged, remembered, secrets
from tests.support.harness import Pipeline, nothing_happened
from tests.support.served import DEPLOYMENT, FINAL, FlowRun, Served, State

KIM = {"decision": "approve", "by": "Kim Doe"}


def ask(served: Served, **environment: str) -> FlowRun:
    """Fill in the form as it is, and wait until the run asks for an approval and nothing of it is left."""
    run = served.start(DEPLOYMENT, {"tournament": TOURNAMENT}, environment=environment)
    suspended(run, served)
    return run


def suspended(run: FlowRun, served: Served) -> None:
    state = served.wait_until(lambda: state if (state := run.state).type in FINAL | {"PAUSED"} else None)
    assert (state.type, state.name) == ("PAUSED", "Suspended"), state.message
    served.wait_until(lambda: run.process() is None)


def resume(run: FlowRun, served: Served, answer: dict[str, str]) -> dict[str, Any]:
    """Press Resume, and send the form: what the UI calls."""
    answered: dict[str, Any] = served.post(f"flow_runs/{run.id}/resume", {"run_input": answer})
    return answered


def decisions(club: Pipeline) -> list[tuple[str, str | None]]:
    rows = club.sql("SELECT state, by_whom FROM tournament_fees.approvals ORDER BY id")
    return [(row.state, row.by_whom) for row in rows]


def test_a_run_asks_as_the_deployment_has_it_and_sends_what_was_approved_but_to_who_has_paid_meanwhile(
    served: Served, club: Pipeline
) -> None:
    run = ask(served)
    nothing_happened(club)
    (artifact,) = run.artifacts("markdown")
    assert "23 messages would go out, about 26 orders: $1,510.00" in artifact["data"]
    (page,) = Path(served.environment["PREVIEW_FOLDER"]).glob("*.html")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert open_to_others(served.stack.home) == []
    assert str(page) in artifact["data"]
    for incomplete in ({}, {"decision": "approve"}, {"decision": "approve", "by": " "}, {"by": "Kim"}):
        assert resume(run, served, incomplete)["status"] == "REJECT"

    paid = club.order_of("Kira Arden")  # whose session is open
    club.stand_in.pay(str(paid.stripe_checkout_session_id))
    assert resume(run, served, KIM)["status"] == "ACCEPT"
    assert run.wait() == State("COMPLETED", "Completed", "22 sent, 10 skipped, 0 still to send")
    assert club.inbox.to("kofi.arden@example.org") == []
    assert decisions(club) == [("approved", "Kim Doe")]
    served.wait_until(lambda: any(line.startswith("approve: 23 messages, by Kim Doe") for line in run.log()))

    secret = secrets(club)
    texts = [(place, text) for place, text in (*remembered(served), *logged(served)) if secret.search(text)]
    assert texts == []


@pytest.mark.only_long
def test_a_rejected_run_sends_nothing_and_says_so_and_its_retry_asks_again(served: Served, club: Pipeline) -> None:
    run = ask(served)
    resume(run, served, {"decision": "reject", "by": "Kim Doe", "note": "wrong price"})
    ended = run.wait()
    assert (ended.type, ended.name) == ("CANCELLED", "Rejected")
    assert ended.message == "Nothing was sent: rejected by Kim Doe (wrong price). Another run asks again"
    nothing_happened(club)
    run.retry()
    suspended(run, served)
    resume(run, served, KIM)
    assert run.wait().message == "23 sent, 9 skipped, 0 still to send"
    assert decisions(club) == [("rejected", "Kim Doe"), ("approved", "Kim Doe")]


@pytest.mark.only_long
def test_a_run_that_nobody_answers_in_time_fails_and_sends_nothing(served: Served, club: Pipeline) -> None:
    run = ask(served, APPROVAL_TIMEOUT_HOURS="0.001")
    ended = run.wait()
    assert (ended.type, ended.message) == ("FAILED", "The flow was paused and never resumed.")
    assert resume(run, served, KIM)["status"] != "ACCEPT"
    nothing_happened(club)
    assert decisions(club) == [("proposed", None)]
    run.retry()
    suspended(run, served)
    nothing_happened(club)


@pytest.mark.only_long
def test_a_changed_price_is_asked_for_again_by_the_resumed_run(served: Served, club: Pipeline) -> None:
    run = ask(served)
    order = club.order_of("Amy Abbott")
    club.sql("UPDATE orders SET amount = amount - 500 WHERE id = :id", id=order.id)
    resume(run, served, KIM)
    served.wait_until(lambda: len(run.artifacts("markdown")) == 2 or None)
    suspended(run, served)
    nothing_happened(club)
    assert "1 messages would go out, about 1 orders: $60.00" in run.artifacts("markdown")[1]["data"]
    resume(run, served, {"decision": "approve", "by": "Lee Roe"})
    assert run.wait().message == "23 sent, 9 skipped, 0 still to send"
    assert decisions(club) == [("approved", "Kim Doe"), ("approved", "Lee Roe")]


@pytest.mark.only_long
def test_an_answer_is_not_lost_where_the_resumed_run_fails(served: Served, club: Pipeline) -> None:
    run = ask(served)
    served.stand_in.add_fault("500", method="GET", count=10_000)
    resume(run, served, KIM)
    assert run.wait().type == "FAILED"
    nothing_happened(club)
    served.stand_in.clear_faults()
    run.retry()
    served.wait_until(lambda: run.state.type != "FAILED")
    assert run.wait().message == "23 sent, 9 skipped, 0 still to send"
    assert decisions(club) == [("approved", "Kim Doe")]


@pytest.mark.only_long
def test_a_preview_and_a_test_ask_nothing_and_mail_no_parent(served: Served, club: Pipeline) -> None:
    preview = served.start(DEPLOYMENT, {"tournament": TOURNAMENT, "options": {"mode": "preview"}})
    said = preview.wait()
    assert said.type == "COMPLETED"
    assert said.message.startswith("Preview: 23 messages would go out, about 26 orders: $1,510.00, 9 skipped")
    assert served.get(f"flow_runs/{preview.id}")["name"] == f"{TOURNAMENT}: fee notice, preview"
    options = {"mode": "test", "test_address": "office@club.example.org", "kind": "correction", "test_messages": 2}
    test = served.start(DEPLOYMENT, {"tournament": TOURNAMENT, "options": options})
    assert test.wait().message == "2 test messages were sent, and none to a parent"
    assert [mail["X-Envelope-To"] for mail in club.inbox.messages()] == ["office@club.example.org"] * 2
    assert club.sql("SELECT * FROM tournament_fees.campaigns") == []


@pytest.mark.only_long
def test_a_terminal_cannot_wait_for_an_approval_and_sends_only_what_has_one(served: Served, club: Pipeline) -> None:
    asks = "from flows.tournament_fees import tournament_fees as f; f('Utah Invitational', require_approval=True)"
    told = subprocess.run(
        [sys.executable, "-c", asks], env={**os.environ, **served.environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "An approval is given in the Prefect UI" in told.stderr
    run = ask(served)
    sent = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "send", TOURNAMENT], env={**os.environ, **served.environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert sent.returncode == 1
    assert "wait for an approval" in sent.stdout
    assert club.inbox.messages() == []
    resume(run, served, KIM)
    assert run.wait().message == "23 sent, 9 skipped, 0 still to send"
