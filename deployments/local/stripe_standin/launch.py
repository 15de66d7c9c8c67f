"""Start the stand-in as a process of its own, for tests and the demo."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deployments.local.stripe_standin.control import StandInControl
from deployments.local.whole_run import whole_run

_REPOSITORY = Path(__file__).resolve().parents[3]
_READY = "listening on "


@dataclass(frozen=True)
class RunningStandIn:
    """A stand-in that accepts connections at `base_url`."""

    base_url: str
    process: subprocess.Popen[str]
    secret: str = field(repr=False)

    def control(self) -> StandInControl:
        """Return a client of its control routes."""
        return StandInControl(self.base_url, self.secret)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running_stand_in(data: Path, port: int = 0) -> Iterator[RunningStandIn]:
    """Run a stand-in that takes any API key, on the file `data`, until the end of the block or of this process.

    Port 0 takes a free one. Raises RuntimeError where it does not come up; its own words are on stderr.
    """
    command = [sys.executable, "-m", "deployments.local.stripe_standin", "--any-key"]
    command += ["--data", str(data), "--port", str(port)]
    secret = secrets.token_hex(16)
    with ExitStack() as parts:
        parts.enter_context(whole_run())  # whose mark is in our environment from here on
        environment = {**os.environ, "STANDIN_CONTROL_SECRET": secret}
        process = parts.enter_context(
            subprocess.Popen(command, cwd=_REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True)
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(_READY):
                raise RuntimeError(f"the Stripe stand-in did not start on {data}: see its message above")
            yield RunningStandIn(line.removeprefix(_READY).strip(), process, secret)
        finally:
            process.terminate()
