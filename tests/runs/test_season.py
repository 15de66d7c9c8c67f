"""What goes by itself through a season, as Prefect's server and the worker do it."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from deployments.deploying import deployment_names
from deployments.local.demo_club import TOURNAMENT
from deployments.local.processes import inherited_environment
from tests.runs.test_operated import REPOSITORY
from tests.support.deploying import OURS, deploy, switch
from tests.support.harness import Pipeline, links_in
from tests.support.receiver import receiver
from tests.support.served import Served

DAY_AND_NIGHT = {"REMINDER_QUIET_HOURS": "off"}


def let_days_pass(club: Pipeline) -> None:
    """Make what the ledger says was mailed just now a matter of days ago."""
    club.sql("ALTER TABLE tournament_fees.delivery_attempts DISABLE TRIGGER delivery_attempts_append_only")
    club.sql("UPDATE tournament_fees.delivery_attempts SET counted_at = counted_at - interval '4 days'")
    club.sql("ALTER TABLE tournament_fees.delivery_attempts ENABLE TRIGGER delivery_attempts_append_only")


def announced(served: Served) -> set[str]:
    """The pipeline's own events that Prefect has."""
    wanted = {"filter": {"event": {"prefix": ["tournament-fees."]}}, "limit": 50}
    return {event["event"].removeprefix("tournament-fees.") for event in served.post("events/filter", wanted)["events"]}


def test_the_scheduled_reminders_mail_who_has_not_paid_and_say_so(served: Served, club: Pipeline) -> None:
    club.run()
    let_days_pass(club)
    (paid,) = club.inbox.to("karen.abbott@example.com")
    (link,) = links_in(paid)
    (session,) = [one for one in served.stand_in.sessions() if one["url"] == link]
    served.stand_in.pay(session["id"])
    club.sql("UPDATE orders SET amount = -5 FROM players WHERE players.id = player_id AND parent_id = 2")  # Barrera

    run = served.perform("remind-unpaid/remind-unpaid", {}, environment=DAY_AND_NIGHT)
    state = run.state
    assert (state.type, state.message) == ("COMPLETED", f"{TOURNAMENT}: 21 sent, 2 skipped, 0 still to send")
    assert served.get(f"flow_runs/{run.id}")["name"] == "all tournaments: reminders"
    (report,) = run.artifacts("markdown")
    assert report["data"].startswith(f"# {TOURNAMENT}: reminder")
    assert len(club.inbox.to("karen.abbott@example.com")) == 1
    assert len(club.inbox.to("mina.castell@example.org")) == 2
    served.wait_until(lambda: {"campaign.finished", "link.set-aside"} <= announced(served))


def of_name(served: Served, name: str) -> dict[str, Any]:
    deployment: dict[str, Any] = served.get(f"deployments/name/{name}/{name}")
    return deployment


def everything(served: Served) -> list[str]:
    """Every deployment, schedule and automation that there is, by its name."""
    found = served.post("deployments/filter", {})
    schedules = [f"{one['name']} {schedule['slug']}" for one in found for schedule in one["schedules"]]
    automations = [automation["name"] for automation in served.post("automations/filter", {})]
    return sorted([*(one["name"] for one in found), *schedules, *automations])


WEEKLY = {"cron": "0 9 * * 1", "timezone": "America/Denver", "day_or": True}
ADDED: Sequence[tuple[str, dict[str, Any]]] = (
    ("read-bounces", {"schedule": {**WEEKLY, "cron": "30 12 * * *"}, "active": True}),
    ("remind-unpaid", {"schedule": WEEKLY, "active": False, "parameters": {"options": {"after_days": 9}}}),
    ("refresh-checkout-links", {"schedule": WEEKLY, "active": True, "slug": "weekly", "max_scheduled_runs": 3}),
    ("tournament-fees", {"schedule": WEEKLY, "active": False, "parameters": {"tournament": TOURNAMENT}}),
)
"""Schedules that a person adds, to deployments that have one of ours and to one that has none."""


def add_schedule(served: Served, name: str, schedule: dict[str, Any]) -> list[dict[str, Any]]:
    """Add a schedule to a deployment, as the UI does, and return what is there then of people's."""
    served.post(f"deployments/{of_name(served, name)['id']}/schedules", [schedule])
    return schedules_of_people(served, name)


def schedules_of_people(served: Served, name: str) -> list[dict[str, Any]]:
    """The schedules of a deployment that are none of ours, without what is new for each copy."""
    new = {"id", "created", "updated"}
    found = of_name(served, name)["schedules"]
    return [{k: v for k, v in one.items() if k not in new} for one in found if one["slug"] not in OURS]


DENVER = {"CLUB_TIME_ZONE": "America/Denver", "REMINDER_HOUR": "9"}


@pytest.mark.usefixtures("club", "as_it_was")
def test_to_deploy_again_makes_nothing_twice_and_keeps_switches(served: Served) -> None:
    assert set(deployment_names()) <= set(everything(served))
    bounces = of_name(served, "read-bounces")
    (schedule,) = bounces["schedules"]
    switch(served, bounces, schedule, on=True)
    added = {name: add_schedule(served, name, schedule) for name, schedule in ADDED}
    before = everything(served)
    code, said = served.flows.verb("deploy", **DENVER)
    assert code == 0, said
    assert everything(served) == before
    (reminders,) = [one for one in of_name(served, "remind-unpaid")["schedules"] if one["slug"] == "daily"]
    assert (reminders["schedule"]["cron"], reminders["schedule"]["timezone"], reminders["active"]) == (
        "0 9 * * *",
        "America/Denver",
        False,
    )
    assert [one["active"] for one in of_name(served, "read-bounces")["schedules"] if one["slug"]] == [True]
    assert {name: schedules_of_people(served, name) for name in added} == added


@pytest.mark.only_long
@pytest.mark.usefixtures("club", "as_it_was")
def test_alerts_are_made_once_let_people_know_and_go_with_their_address(served: Served) -> None:
    before = everything(served)
    with receiver() as told:
        for _ in range(2):
            code, said = served.flows.verb("deploy", ALERT_URL=told.address, **DENVER)
            assert code == 0, said
            alerts = set(everything(served)) - set(before)
            assert "tournament-fees: a run failed" in alerts
            assert sorted(everything(served)) == sorted([*before, *alerts]), "nothing is there twice"
        assert served.perform("read-bounces/read-bounces", {}).state.type == "FAILED"
        alert = served.wait_until(lambda: told.got[0] if told.got else None)
    assert alert["title"] == "Tournament fees: read what came back failed"
    assert alert["message"].startswith("BOUNCE_MAILBOX is not set: it names the mailbox to read")
    assert served.flows.verb("deploy")[0] == 0
    assert everything(served) == before, "alerts that go nowhere any more are gone"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"CLUB_TIME_ZONE": "Utah/Salt_Lake"}, "CLUB_TIME_ZONE is not a time zone by its IANA name"),
        pytest.param(
            {"REMINDER_HOUR": "24"},
            "REMINDER_HOUR Input should be less than or equal to 23",
            marks=pytest.mark.only_long,
        ),
        pytest.param(
            {"REMINDER_HOUR": "3"}, "REMINDER_HOUR 3 lies in REMINDER_QUIET_HOURS", marks=pytest.mark.only_long
        ),
        ({"ALERT_URL": "nowhere://hunter2"}, "ALERT_URL is no address that Apprise knows"),
    ],
)
def test_a_schedule_that_cannot_be_is_one_clear_error(
    serving: Served, settings: dict[str, str], complaint: str
) -> None:
    code, said = deploy(serving, **settings)
    assert code == 2
    assert said.startswith(f"Error: {complaint}")
    assert len(said.splitlines()) == 1
    assert "hunter2" not in said


@pytest.mark.usefixtures("club", "as_it_was")
def test_a_schedule_that_is_switched_on_makes_runs(served: Served) -> None:
    """At once by the call with which the server's scheduler makes them: that looks every minute."""
    retry = of_name(served, "retry-failed-sends")
    (schedule,) = retry["schedules"]
    switch(served, retry, schedule, on=True)
    served.api.post(f"deployments/{retry['id']}/schedule", json={"min_runs": 2}).raise_for_status()
    runs = served.post("flow_runs/filter", {"deployments": {"id": {"any_": [retry["id"]]}}})
    scheduled = [run for run in runs if run["auto_scheduled"]]
    assert len(scheduled) >= 2
    assert {run["created_by"]["id"] for run in scheduled} == {schedule["id"]}
    for run in scheduled:
        served.api.delete(f"flow_runs/{run['id']}").raise_for_status()


@pytest.mark.only_long
@pytest.mark.usefixtures("club", "as_it_was")
def test_runs_come_by_schedule(served: Served) -> None:
    """The schedule of the retry, made short."""
    retry = of_name(served, "retry-failed-sends")
    (schedule,) = retry["schedules"]
    usual = schedule["schedule"]
    place = f"deployments/{retry['id']}/schedules/{schedule['id']}"
    served.api.patch(place, json={"active": True, "schedule": {**usual, "interval": 10}}).raise_for_status()
    completed = {"state": {"type": {"any_": ["COMPLETED"]}}}
    wanted = {"deployments": {"id": {"any_": [retry["id"]]}}, "flow_runs": completed}

    def scheduled() -> list[dict[str, Any]]:
        return [run for run in served.post("flow_runs/filter", wanted) if run["auto_scheduled"]]

    served.wait_until(lambda: len(scheduled()) >= 2)
    served.api.patch(place, json={"active": False, "schedule": usual}).raise_for_status()
    runs = scheduled()
    assert {run["state"]["message"] for run in runs} == {"Nothing is due"}


# A run that stays until it is killed: it never comes to the end of its sleep.
LOST = """
import time
from prefect import flow, tags

@flow(name="lost")
def lost():
    time.sleep(3600)

with tags("tournament-fees"):
    lost()
"""


@pytest.mark.only_long
def test_a_run_whose_process_and_worker_are_lost_is_called_crashed(serving: Served) -> None:
    environment = {**inherited_environment(), **serving.environment, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    wanted = {"flows": {"name": {"any_": ["lost"]}}}
    with subprocess.Popen([sys.executable, "-c", LOST], cwd=REPOSITORY, env=environment) as process:
        (run,) = serving.wait_until(lambda: serving.post("flow_runs/filter", wanted))
        ours = {"id": [f"prefect.flow-run.{run['id']}"]}
        beat = {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": ours}, "limit": 1}
        serving.wait_until(lambda: serving.post("events/filter", beat)["events"])
        process.kill()
    state = serving.wait_until(
        lambda: found if (found := serving.post("flow_runs/filter", wanted)[0]["state"])["type"] == "CRASHED" else None
    )
    assert state["message"] == "Its process was lost. What it had not finished is taken up by the next run"
