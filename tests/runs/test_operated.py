"""What an administrator does and sees in the Prefect UI: fill in the form, watch, cancel, retry."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from deployments.local.demo_club import TOURNAMENT
from tests.support.harness import Pipeline
from tests.support.served import DEPLOYMENT, UNASKED, FlowRun, Served, State

REPOSITORY = Path(__file__).parents[2]
ALL_SENT = State("COMPLETED", "Completed", "23 sent, 9 skipped, 0 still to send")
SMALL_BATCHES = {"BATCH_SIZE": "10"}


def statuses(club: Pipeline) -> Counter[str]:
    rows = club.sql("SELECT status, count(*) AS messages FROM tournament_fees.messages GROUP BY status")
    return Counter({row.status: row.messages for row in rows})


def assert_each_once(club: Pipeline) -> None:
    recipients = [message["X-Envelope-To"] for message in club.inbox.messages()]
    assert len(recipients) == len(set(recipients)) == 23


def slow_run(served: Served, club: Pipeline) -> FlowRun:
    """A run that has sent something and has much left to do."""
    served.stand_in.configure(latency_ms=1000)
    run = served.trigger(environment=SMALL_BATCHES)
    served.wait_until(lambda: club.inbox.messages() or None)
    return run


def cancel(run: FlowRun, served: Served) -> None:
    """Press Cancel, and wait until nothing of the run is left."""
    run.set_state("CANCELLING")
    assert run.wait().type == "CANCELLED"
    served.wait_until(lambda: run.process() is None)


def test_the_form_says_what_each_field_is_and_may_be(serving: Served) -> None:
    schema = serving.get(f"deployments/name/{DEPLOYMENT}")["parameter_openapi_schema"]
    assert schema["required"] == ["tournament"]
    assert schema["properties"]["tournament"]["description"]
    fields = schema["definitions"]["CampaignOptions"]["properties"]
    assert all(field["title"] and field["description"] and "default" in field for field in fields.values())
    assert (fields["at_most"]["minimum"], fields["at_most"]["maximum"]) == (1, 100_000)
    assert (fields["sequence"]["minimum"], fields["sequence"]["maximum"]) == (1, 99)
    assert fields["shared_mailboxes"]["enum"] == ["a message a family", "one message"]


def test_a_worker_starts_the_flow_itself_and_not_a_process_that_prepares_for_it(serving: Served) -> None:
    pool = serving.get("work_pools/tournament-fees")
    assert pool["base_job_template"]["variables"]["properties"]["command"]["default"] == "python -m prefect.engine"


@pytest.mark.parametrize(
    ("tournament", "options", "complaint"),
    [
        ("", {}, "field 'tournament'. Failure reason: 'the name of a tournament' was expected"),
        ("   ", {}, "field 'tournament'. Failure reason: 'the name of a tournament' was expected"),
        ("Utah\nInvitational", {}, "'the name of a tournament' was expected"),
        (TOURNAMENT, {"at_most": 0}, "'options.at_most'. Failure reason: 0 is less than the minimum of 1"),
        (TOURNAMENT, {"at_most": 100_001}, "'options.at_most'. Failure reason: 100001 is greater than the maximum"),
        (TOURNAMENT, {"at_most": "many"}, "'options.at_most'. Failure reason: 'many' is not of type 'integer'"),
        (TOURNAMENT, {"sequence": 0}, "'options.sequence'. Failure reason: 0 is less than the minimum of 1"),
        (TOURNAMENT, {"shared_mailboxes": "all"}, "'options.shared_mailboxes'. Failure reason: 'all' is not one of"),
        (TOURNAMENT, {"most": 5}, "'options'. Failure reason: Additional properties are not allowed ('most' was"),
    ],
)
def test_what_the_form_does_not_allow_starts_no_run(
    serving: Served, tournament: str, options: dict[str, object], complaint: str
) -> None:
    before = serving.post("flow_runs/count", {})
    with pytest.raises(httpx.HTTPStatusError) as refused:
        serving.trigger(tournament, options=options)
    assert refused.value.response.status_code == 409
    assert complaint in refused.value.response.json()["detail"]
    assert serving.post("flow_runs/count", {}) == before


@pytest.mark.usefixtures("club")
def test_a_run_shows_its_batches_its_progress_and_its_report(served: Served) -> None:
    run = served.perform(DEPLOYMENT, UNASKED, environment=SMALL_BATCHES)
    assert run.state == ALL_SENT
    assert served.get(f"flow_runs/{run.id}")["name"] == f"{TOURNAMENT}: fee notice, send"
    batches = {"messages 1 to 10", "messages 11 to 20", "messages 21 to 30"}
    served.wait_until(lambda: batches <= set(run.task_runs()))
    (progress,) = run.artifacts("progress")
    assert (progress["data"], progress["description"]) == (100, "30 of 30 messages are through")
    (report,) = run.artifacts("markdown")
    assert "| renewed | 19 |" in report["data"]
    assert "| skipped | paid | 6 |" in report["data"]
    assert "| 28 |  | i…@example.com | skipped | no order |" in report["data"]
    assert "store the parent's address, then run this again" in report["data"]
    assert "/c/pay/" not in report["data"]
    served.wait_until(lambda: sum(line.startswith("messages ") for line in run.log()) == 3)
    served.wait_until(lambda: sum(line.startswith("message ") for line in run.log()) == 2)


def test_a_cancelled_run_stops_between_messages_and_its_retry_sends_what_is_still_owed(
    served: Served, club: Pipeline
) -> None:
    run = slow_run(served, club)
    cancel(run, served)
    stood = statuses(club)
    assert stood["claimed"] == stood["sending"] == stood["uncertain"] == 0
    assert stood["sent"] == len(club.inbox.messages()) < 22
    assert stood["queued"] > 0
    assert club.sql("SELECT FROM tournament_fees.order_leases WHERE expires_at > clock_timestamp()") == []
    served.stand_in.configure()
    (waiting,) = club.sql("SELECT id FROM tournament_fees.messages WHERE family = 'rourke' AND status = 'queued'")
    club.sql("UPDATE orders SET status = 'paid', payment_method = 'cash' WHERE id = :id", id=order_of(club, waiting.id))
    run.retry()
    served.wait_until(lambda: run.state.type != "CANCELLED")
    assert run.wait() == State("COMPLETED", "Completed", "22 sent, 10 skipped, 0 still to send")
    recipients = [message["X-Envelope-To"] for message in club.inbox.messages()]
    assert len(recipients) == len(set(recipients)) == 22


def order_of(club: Pipeline, message_id: int) -> int:
    (order,) = club.sql("SELECT order_id FROM tournament_fees.message_orders WHERE message_id = :id", id=message_id)
    return int(order.order_id)


@pytest.mark.only_long
def test_a_second_run_of_a_tournament_says_that_it_waits_and_can_be_cancelled(served: Served, club: Pipeline) -> None:
    first = slow_run(served, club)
    second = served.trigger()
    served.wait_until(lambda: any(line.startswith("Another run is at work") for line in second.log()))
    cancel(second, served)
    served.stand_in.configure()
    assert first.wait() == ALL_SENT
    assert_each_once(club)


def test_a_run_ends_red_where_a_message_failed_and_stays_so_when_it_is_retried_from_a_terminal(
    served: Served, club: Pipeline, rude_smtp: str
) -> None:
    run = served.perform(DEPLOYMENT, UNASKED, environment={"SMTP_URL": rude_smtp})
    said = "22 sent, 9 skipped, 0 still to send; 1 failed: mend the cause, then run retry-failed-sends"
    red = State("FAILED", "Failed", said)
    assert run.state == red
    (report,) = run.artifacts("markdown")
    assert "k…@example.com | failed | refused by the mail server" in report["data"]
    assert "correct the parent's address if it is wrong" in report["data"]
    command = [sys.executable, "-m", "prefect", "--no-prompt", "flow-run", "retry", run.id]
    subprocess.run(command, cwd=REPOSITORY, env={**os.environ, **served.environment}, check=True, capture_output=True)
    served.wait_until(lambda: len(run.artifacts("markdown")) == 2)
    assert run.wait() == red
    assert statuses(club) == {"sent": 22, "failed": 1, "skipped": 9}
