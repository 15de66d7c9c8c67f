"""A worker that is stopped in the middle of a run: everything is given back, and nobody is mailed twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.support.harness import Pipeline
from tests.support.served import Served

REPOSITORY = Path(__file__).parents[2]
SECONDS = 100
"""Less than the two minutes that containers are given."""


@pytest.mark.only_long
def test_a_worker_that_is_stopped_gives_back_what_its_run_holds(served: Served, club: Pipeline) -> None:
    served.stand_in.configure(latency_ms=1000)
    usual = psutil.Process(served.worker.process.pid)
    command = [sys.executable, "-m", "deployments.worker"]
    environment = {**os.environ, **served.environment, "PREFECT_WORKER_WEBSERVER_PORT": "0"}
    usual.suspend()
    try:
        with subprocess.Popen(command, cwd=REPOSITORY, env=environment) as worker:
            run = served.trigger(environment={"BATCH_SIZE": "10"})
            served.wait_until(lambda: club.inbox.messages() or None)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(SECONDS) == 0
    finally:
        usual.resume()
    stood = Counter(row.status for row in club.sql("SELECT status FROM tournament_fees.messages"))
    assert not stood.keys() & {"claimed", "sending", "uncertain"}
    assert stood["sent"] == len(club.inbox.messages()) > 0
    assert stood["queued"] > 0
    assert club.sql("SELECT FROM tournament_fees.order_leases WHERE expires_at > clock_timestamp()") == []
    served.stand_in.configure()
    run.retry()
    served.wait_until(lambda: run.state.type == "COMPLETED" or None)
    recipients = [message["X-Envelope-To"] for message in club.inbox.messages()]
    assert len(recipients) == len(set(recipients)) == 23
