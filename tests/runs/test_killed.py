"""Flow runs that are killed with -9 at a chosen moment, and run again: everybody is mailed once."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import pytest

from tests.support.harness import Pipeline
from tests.support.mail_wire import MailWire, Moment
from tests.support.served import DEPLOYMENT, NEVER, UNASKED, FlowRun, Served

SESSIONS = "/v1/checkout/sessions"
LEO = "{session of Leo Bishop}"
LAST_WORD = "prefect.flow_runs.worker - Check whether the flow run exceeded its memory"
"""A worker calls a run crashed twice: when its process has died, and some seconds later, also where it was retried."""


@dataclass(frozen=True)
class AtStripe:
    """Stripe has done what the nth such request asks for, and its answer is on its way."""

    method: Literal["GET", "POST"]
    nth: int
    path: str = SESSIONS

    def hold(self, club: Pipeline, _wire: MailWire) -> None:
        path = self.path.replace(LEO, club.order_of("Leo Bishop").stripe_checkout_session_id)
        club.stand_in.add_fault("slow", method=self.method, path_prefix=path, nth=self.nth, seconds=NEVER)

    def has_come(self, club: Pipeline, _wire: MailWire) -> bool:
        return not club.stand_in.faults()


@dataclass(frozen=True)
class AtMail:
    """The nth message has come to this moment."""

    moment: Moment
    nth: int

    def hold(self, _club: Pipeline, wire: MailWire) -> None:
        wire.hold_at(self.moment, self.nth)

    def has_come(self, _club: Pipeline, wire: MailWire) -> bool:
        return wire.held.is_set()


MOMENTS: dict[str, tuple[AtStripe | AtMail, int]] = {
    "before anything is done": (AtStripe("GET", 1), 0),
    "Stripe has made the first session": (AtStripe("POST", 1), 0),
    "Stripe has made one of the last sessions": (AtStripe("POST", 25), 0),
    "Stripe has closed a session": (AtStripe("POST", 1, f"{SESSIONS}/{LEO}/expire"), 0),
    "the first message may begin": (AtMail(Moment.GO_AHEAD, 1), 0),
    "the first message is on its way": (AtMail(Moment.BODY, 1), 1),
    "the first message was taken": (AtMail(Moment.REPLY, 1), 1),
    "the last message may begin": (AtMail(Moment.GO_AHEAD, 23), 0),
    "the last message is on its way": (AtMail(Moment.BODY, 23), 1),
    "the last message was taken": (AtMail(Moment.REPLY, 23), 1),
}
"""When to kill, and how many messages are uncertain then."""


def test_a_run_killed_again_and_again_mails_everybody_once(served: Served, club: Pipeline, wire: MailWire) -> None:
    for moment in (AtStripe("POST", 3), AtMail(Moment.REPLY, 4)):
        kill_at(moment, served, club, wire)
        let_leases_run_out(club)
    last = served.perform(DEPLOYMENT, UNASKED).state
    assert last.type == "FAILED"
    assert last.message.startswith("17 sent, 9 skipped, 0 still to send; 1 uncertain: ")
    everybody_was_mailed_once(club, uncertain=1)
    no_order_can_be_paid_twice(club)


@pytest.mark.only_long
@pytest.mark.parametrize(("moment", "uncertain"), MOMENTS.values(), ids=MOMENTS)
def test_a_killed_run_that_is_retried_mails_everybody_once(
    served: Served, club: Pipeline, wire: MailWire, moment: AtStripe | AtMail, uncertain: int
) -> None:
    said = len(served.worker.log.read_text())
    run = kill_at(moment, served, club, wire)
    served.wait_until(lambda: LAST_WORD in served.worker.log.read_text()[said:])
    let_leases_run_out(club)
    run.retry()
    served.wait_until(lambda: run.state.type != "CRASHED")
    assert run.wait().type == ("FAILED" if uncertain else "COMPLETED")
    everybody_was_mailed_once(club, uncertain)
    no_order_can_be_paid_twice(club)


@pytest.mark.only_long
def test_a_run_that_follows_a_killed_one_at_once_leaves_alone_what_that_had_in_hand(
    served: Served, club: Pipeline, wire: MailWire
) -> None:
    kill_at(AtMail(Moment.REPLY, 2), served, club, wire, BATCH_SIZE="10")
    in_hand = club.sql("SELECT status FROM tournament_fees.messages WHERE lease_expires_at > clock_timestamp()")
    on_the_wire = sum(row.status == "sending" for row in in_hand)
    assert 1 <= on_the_wire <= 3 < len(in_hand)
    assert f" {len(in_hand)} still to send" in served.trigger().wait().message
    let_leases_run_out(club)
    assert served.trigger().wait().type == "FAILED"
    everybody_was_mailed_once(club, uncertain=on_the_wire)
    no_order_can_be_paid_twice(club)


def kill_at(moment: AtStripe | AtMail, served: Served, club: Pipeline, wire: MailWire, **settings: str) -> FlowRun:
    """Kill a run with -9 while it waits for that answer."""
    moment.hold(club, wire)
    run = served.trigger(environment={"SMTP_URL": wire.url, **settings})
    served.wait_until(lambda: moment.has_come(club, wire))
    served.wait_until(run.process).kill()
    assert run.wait().type == "CRASHED"
    club.stand_in.clear_faults()
    return run


def let_leases_run_out(club: Pipeline) -> None:
    """Do what some minutes without the process would do."""
    for table, column in (("messages", "lease_expires_at"), ("order_leases", "expires_at")):
        club.sql(
            f"UPDATE tournament_fees.{table} SET {column} = clock_timestamp() - interval '1 second' "  # noqa: S608
            f"WHERE {column} > clock_timestamp()"
        )


def everybody_was_mailed_once(club: Pipeline, uncertain: int) -> None:
    """Assert it of the 23 that are owed a message; only of an uncertain one is it unknown."""
    mailed = Counter(message["X-Envelope-To"] for message in club.inbox.messages())
    assert set(mailed.values()) == {1}
    rows = club.sql("SELECT address, status FROM tournament_fees.messages WHERE status <> 'skipped'")
    statuses = Counter(row.status for row in rows)
    assert (statuses["sent"], statuses["uncertain"], statuses.total()) == (23 - uncertain, uncertain, 23)
    assert {row.address for row in rows if row.status == "sent"} <= set(mailed) <= {row.address for row in rows}


def no_order_can_be_paid_twice(club: Pipeline) -> None:
    """Assert that each order has at most one open session, and that its row names it."""
    payable = [session for session in club.stand_in.sessions() if session["status"] == "open"]
    orders = [session["client_reference_id"].removeprefix("order-") for session in payable]
    assert len(orders) == len(set(orders)) >= 26
    named = {row.stripe_checkout_session_id for row in club.sql("SELECT * FROM orders")}
    assert {session["id"] for session in payable} <= named
