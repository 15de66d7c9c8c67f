"""What goes by itself through a season, as the worker runs it."""

from deployments.local.demo_club import TOURNAMENT
from tests.integration.pipeline.harness import Pipeline, links_in
from tests.runs.served import Served

DAY_AND_NIGHT = {"REMINDER_QUIET_HOURS": "off"}


def let_days_pass(club: Pipeline) -> None:
    """Make what the ledger says was mailed just now a matter of days ago."""
    club.sql("ALTER TABLE tournament_fees.delivery_attempts DISABLE TRIGGER delivery_attempts_append_only")
    club.sql("UPDATE tournament_fees.delivery_attempts SET counted_at = counted_at - interval '4 days'")
    club.sql("ALTER TABLE tournament_fees.delivery_attempts ENABLE TRIGGER delivery_attempts_append_only")


def test_the_scheduled_reminders_mail_who_has_not_paid_and_say_so(served: Served, club: Pipeline) -> None:
    club.run()
    let_days_pass(club)
    (paid,) = club.inbox.to("karen.abbott@example.com")
    (link,) = links_in(paid)
    (session,) = [one for one in served.stand_in.sessions() if one["url"] == link]
    served.stand_in.pay(session["id"])

    run = served.start("remind-unpaid/remind-unpaid", {}, environment=DAY_AND_NIGHT)
    state = run.wait()
    assert (state.type, state.message) == ("COMPLETED", f"{TOURNAMENT}: 22 sent, 1 skipped, 0 still to send")
    assert served.get(f"flow_runs/{run.id}")["name"] == "all tournaments: reminders"
    (report,) = run.artifacts("markdown")
    assert report["data"].startswith(f"# {TOURNAMENT}: reminder")
    assert len(club.inbox.to("karen.abbott@example.com")) == 1
    assert len(club.inbox.to("luis.barrera@example.com")) == 2
