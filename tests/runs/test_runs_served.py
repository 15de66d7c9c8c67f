"""Flow runs as a person triggers them in the Prefect UI: through its API, by the worker of `make serve`."""

from tests.integration.pipeline.harness import Pipeline
from tests.runs.served import Served, State


def test_a_triggered_run_mails_everybody_and_a_second_one_nobody(served: Served, club: Pipeline) -> None:
    assert served.trigger().wait() == State("COMPLETED", "Completed", "23 sent, 9 skipped, 0 still to send")
    recipients = [message["X-Envelope-To"] for message in club.inbox.messages()]
    assert len(recipients) == len(set(recipients)) == 23
    assert served.trigger().wait() == State("COMPLETED", "Completed", "0 sent, 9 skipped, 0 still to send")
    assert len(club.inbox.messages()) == 23
