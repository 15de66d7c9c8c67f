"""Flow runs that are killed with -9 at a chosen moment, and run again: everybody is mailed once."""

from collections import Counter

from tests.integration.pipeline.harness import Pipeline
from tests.runs.mail_wire import MailWire, Moment
from tests.runs.served import NEVER, FlowRun, Served

SESSIONS = "/v1/checkout/sessions"


def kill(run: FlowRun) -> None:
    """End its process as the kernel does, which Prefect's worker notices, and let what it had leased run out."""
    process = run.served.wait_until(run.process)
    process.kill()
    assert run.wait().type == "CRASHED"


def let_leases_run_out(club: Pipeline) -> None:
    """What five minutes without the process would do."""
    for table, column in (("messages", "lease_expires_at"), ("order_leases", "expires_at")):
        club.sql(
            f"UPDATE tournament_fees.{table} SET {column} = clock_timestamp() - interval '1 second' "  # noqa: S608
            f"WHERE {column} > clock_timestamp()"
        )


def kill_at_stripe(served: Served, wire: MailWire, method: str, path: str, nth: int) -> None:
    """Kill a run whose nth such request Stripe has carried out, and not answered."""
    served.stand_in.add_fault("slow", method=method, path_prefix=path, nth=nth, seconds=NEVER)
    run = served.trigger(environment={"SMTP_URL": wire.url})
    served.wait_until(lambda: not served.stand_in.faults())
    kill(run)
    served.stand_in.clear_faults()


def kill_at_mail(served: Served, wire: MailWire, moment: Moment, nth: int) -> None:
    """Kill a run while its nth message is on the wire."""
    wire.hold_at(moment, nth)
    run = served.trigger(environment={"SMTP_URL": wire.url})
    served.wait_until(wire.held.is_set)
    kill(run)


def everybody_was_mailed_once(club: Pipeline, uncertain: int) -> None:
    """Assert it of the 23 that are owed a message; at most those called uncertain were not, and none was twice."""
    mailed = Counter(message["X-Envelope-To"] for message in club.inbox.messages())
    assert set(mailed.values()) == {1}
    rows = club.sql("SELECT address, status FROM tournament_fees.messages WHERE status <> 'skipped'")
    statuses = Counter(row.status for row in rows)
    assert statuses == Counter({"sent": 23 - uncertain, "uncertain": uncertain})
    assert {row.address for row in rows if row.status == "sent"} <= set(mailed) <= {row.address for row in rows}


def no_order_can_be_paid_twice(club: Pipeline) -> None:
    """Assert that each order has one open session at most, the one that it names."""
    payable = Counter(
        s["client_reference_id"].removeprefix("order-") for s in club.stand_in.sessions() if s["status"] == "open"
    )
    assert set(payable.values()) == {1}


def test_a_run_killed_again_and_again_mails_everybody_once(served: Served, club: Pipeline, wire: MailWire) -> None:
    kill_at_stripe(served, wire, "POST", SESSIONS, 3)
    let_leases_run_out(club)
    kill_at_mail(served, wire, Moment.REPLY, 4)
    let_leases_run_out(club)
    last = served.trigger().wait()
    assert (last.type, last.message) == (
        "FAILED",
        "17 sent, 9 skipped, 0 still to send; 1 uncertain: decide about each",
    )
    everybody_was_mailed_once(club, uncertain=1)
    no_order_can_be_paid_twice(club)
