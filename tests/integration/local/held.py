"""A test that holds what tests start until somebody ends it; test_nothing_outlives.py runs it by its name."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.integration.conftest import catcher, server_url, shared_stand_in
from tests.support.harness import Inbox, StrictStandIn

__all__ = ["catcher", "server_url", "shared_stand_in"]

# Programs that stay until somebody ends them: whether somebody does is what the tests are about.
STAYS = "import time; time.sleep(3600)"
DAEMON = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STAYS!r}], start_new_session=True)"
"""Its child is nobody's: in a session of its own, and its parent has ended."""


def test_that_stays(server_url: str, shared_stand_in: StrictStandIn, catcher: Inbox) -> None:
    assert all([server_url, shared_stand_in.base_url, catcher.url])
    told = Path(os.environ["HELD_BY"])
    subprocess.run([sys.executable, "-c", DAEMON], check=True)
    reading, writing = os.pipe()
    if not os.fork():
        try:
            os.write(writing, b"here")
            time.sleep(3600)  # until it is ended, as the others
        finally:
            os._exit(0)
    os.read(reading, 4)
    draft = told.with_name("draft")
    draft.write_text(str(os.getpid()))
    draft.replace(told)
    time.sleep(3600)  # until this run of pytest is killed, or interrupted
