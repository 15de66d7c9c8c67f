"""Flow runs as a person triggers them in the Prefect UI: through its API, by the worker of `make serve`."""

import pytest

from tests.support.harness import Pipeline
from tests.support.served import NEVER, Served


def test_of_two_runs_at_the_same_moment_one_waits_and_then_has_nothing_to_send(served: Served, club: Pipeline) -> None:
    served.stand_in.add_fault("slow", method="POST", nth=3, seconds=NEVER)
    runs = [served.trigger(), served.trigger()]
    served.wait_until(lambda: not served.stand_in.faults())
    served.wait_until(lambda: club.sql("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
    served.stand_in.clear_faults()

    endings = {(state.type, state.message) for state in (run.wait() for run in runs)}
    assert endings == {
        ("COMPLETED", "23 sent, 9 skipped, 0 still to send"),
        ("COMPLETED", "0 sent, 9 skipped, 0 still to send"),
    }
    recipients = [message["X-Envelope-To"] for message in club.inbox.messages()]
    assert len(recipients) == len(set(recipients)) == 23


@pytest.mark.only_long
def test_a_run_that_is_deleted_while_it_waits_mails_nobody(served: Served, club: Pipeline) -> None:
    served.stand_in.add_fault("slow", method="POST", nth=3, seconds=NEVER)
    first = served.trigger()
    served.wait_until(lambda: not served.stand_in.faults())
    second = served.trigger(options={"sequence": 2})
    served.wait_until(lambda: club.sql("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
    process = served.wait_until(second.process)
    served.api.delete(f"flow_runs/{second.id}").raise_for_status()
    served.runs.remove(second)
    served.stand_in.clear_faults()
    assert first.wait().type == "COMPLETED"
    served.wait_until(lambda: not process.is_running())
    assert len(club.inbox.messages()) == 23
