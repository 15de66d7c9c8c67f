"""What people do in the Prefect UI about messages that went wrong."""

from collections import Counter
from collections.abc import Mapping

import pytest

from deployments.local.demo_club import TOURNAMENT
from tests.support.harness import Pipeline
from tests.support.served import Served, State

FLOWS = ("retry-failed-sends", "settle-uncertain", "stop-campaign", "suppress-recipients", "read-bounces")


def run(served: Served, flow: str, parameters: Mapping[str, object]) -> tuple[State, str]:
    """Run a flow to its end; return its last state, and its artifacts' text."""
    flow_run = served.perform(f"{flow}/{flow}", parameters)
    return flow_run.state, "".join(artifact["data"] for artifact in flow_run.artifacts("markdown"))


def statuses(club: Pipeline) -> Counter[str]:
    rows = club.sql("SELECT status, count(*) AS messages FROM tournament_fees.messages GROUP BY status")
    return Counter({row.status: row.messages for row in rows})


@pytest.mark.parametrize("flow", FLOWS)
def test_each_flow_is_deployed_with_its_schedule_switched_off(serving: Served, flow: str) -> None:
    deployment = serving.get(f"deployments/name/{flow}/{flow}")
    assert deployment["description"]
    scheduled = {schedule["schedule"]["interval"]: schedule["active"] for schedule in deployment["schedules"]}
    assert scheduled == {"retry-failed-sends": {900.0: False}, "read-bounces": {3600.0: False}}.get(flow, {})


def test_an_uncertain_message_is_looked_at_and_sent_again_and_the_rest_is_stopped(
    served: Served, club: Pipeline
) -> None:
    club.run()
    club.sql(
        "UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply'"
        " WHERE family IN ('abbott', 'delgado')"
    )
    abbott = club.message_to("Abbott")

    state, shown = run(served, "settle-uncertain", {})
    assert state == State("COMPLETED", "Completed", "2 uncertain messages: the artifact has what is known of them")
    assert abbott.message_id.strip("<>") in shown
    assert "k…@example.com" in shown
    assert "karen.abbott" not in shown

    choice = {"action": "send again", "message_ids": [abbott.id], "count": 2, "by": "Ann Operator"}
    state, _ = run(served, "settle-uncertain", {"choice": choice})
    assert (state.type, state.message) == (
        "FAILED",
        "1 uncertain messages were found, not 2: look at them again, nothing was done",
    )
    state, _ = run(served, "settle-uncertain", {"choice": {**choice, "count": 1}})
    assert state.type == "COMPLETED"
    assert state.message.startswith(f"{TOURNAMENT}: 1 sent")
    assert len(club.inbox.to("karen.abbott@example.com")) == 2

    club.sql("UPDATE tournament_fees.messages SET status = 'queued' WHERE family = 'abbott'")
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    state, _ = run(served, "stop-campaign", {"tournament": TOURNAMENT, "by": "Ann Operator", "why": "Wrong prices"})
    assert state.message == ("Stopped for good: 21 sent, 9 not sent (9 skipped); 2 uncertain: decide about each")
    state, _ = run(served, "retry-failed-sends", {})
    assert (state.type, state.message) == ("COMPLETED", "Nothing is due")


@pytest.mark.only_long
def test_what_is_due_goes_out_by_itself_and_who_is_suppressed_is_left_out(served: Served, club: Pipeline) -> None:
    club.run()
    club.sql(
        "UPDATE tournament_fees.messages SET status = 'queued', reason = 'put_off_by_server', maybe_delivered = FALSE"
        " WHERE family IN ('abbott', 'delgado')"
    )
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    choice = {"action": "suppress", "message_ids": [club.message_to("Abbott").id], "reason": "asked", "by": "Ann"}
    state, shown = run(served, "suppress-recipients", {"choice": choice})
    assert state.message == "1 added; 1 mailboxes are on the list"
    assert "karen.abbott" not in shown
    state, _ = run(served, "retry-failed-sends", {})
    assert state.type == "COMPLETED"
    assert state.message.startswith(f"{TOURNAMENT}: 1 sent, 10 skipped")
    assert len(club.inbox.to("rosa.delgado@example.com")) == 2
    assert len(club.inbox.to("karen.abbott@example.com")) == 1


@pytest.mark.only_long
def test_a_mailbox_for_bounces_that_is_not_set_is_told(served: Served, club: Pipeline) -> None:
    assert club.sql("SELECT 1 AS one")[0].one == 1
    state, _ = run(served, "read-bounces", {})
    assert (state.type, state.message) == (
        "FAILED",
        "BOUNCE_MAILBOX is not set: it names the mailbox to read (see .env.example)",
    )
