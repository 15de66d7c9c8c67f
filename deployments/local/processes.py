"""Child processes with a log, a health check and an end: none outlives its parent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypedDict, TypeVar

from deployments.local.home import REPOSITORY, sole_use
from deployments.local.process_tree import GRACE_SECONDS, ProcessRecord, stop_recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

_POLL_SECONDS = 0.03
_LISTENING = re.compile(r"^listening on (.+)$", re.MULTILINE)


class ChildFailedError(RuntimeError):
    """A child process died, or was not ready in time; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Child:
    """A running child process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    record: ProcessRecord
    record_file: Path

    def wait_until(self, ready: Callable[[], T | None], *, seconds: float = 60, every: float = _POLL_SECONDS) -> T:
        """Poll until `ready` returns something true, and return that. Raises ChildFailedError."""
        deadline = time.monotonic() + seconds
        while not (answer := ready()):
            if (code := self.process.poll()) is not None:
                raise ChildFailedError(f"{self.name} ended with exit code {code}.{self._log_tail()}")
            if time.monotonic() > deadline:
                raise ChildFailedError(f"{self.name} was not ready after {seconds:.0f} s.{self._log_tail()}")
            time.sleep(every)  # between two looks: a program tells nobody when it has begun to answer
        return answer

    def listening_on(self) -> str | None:
        """Return what the child said behind `listening on`: it chose its own free port, so nobody can take it first."""
        said = _LISTENING.search(self.log.read_text(errors="replace"))
        return said[1].strip() if said else None

    def stop(self, *, grace: float = GRACE_SECONDS) -> None:
        """Stop the child and everything it started; nothing happens where it has ended already."""
        self.record.stop(grace=grace)
        self.process.wait()
        self.record_file.unlink(missing_ok=True)

    def _log_tail(self, lines: int = 15) -> str:
        tail = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "".join(f"\n  {line}" for line in [f"The end of {self.log}:", *tail])


@dataclass(frozen=True)
class ChildProcesses:
    """The children of this process that keep their logs and records under one home; made by child_processes()."""

    home: Path
    _stops: ExitStack = field(default_factory=ExitStack)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path = REPOSITORY,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Child:
        """Start a command in a session of its own (so that Ctrl-C reaches only us) and return at once.

        `environment` is added to ours; `user` is for root only, who may start a child as somebody else.
        """
        with _fresh_log(self.home / "logs" / f"{name}.log") as log:
            process = subprocess.Popen(  # Child.stop ends it, rather than a with statement here
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**inherited_environment(), "PYTHONUNBUFFERED": "1", **(environment or {})},
                cwd=folder,
                start_new_session=True,
                **as_user(user),
            )
        record = ProcessRecord.of(process.pid, stop_signal)
        child = Child(name, process, Path(log.name), record, self.home / "run" / f"{name}.json")
        record.write(child.record_file)
        self._stops.callback(child.stop)
        return child

    def run(self, name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> int:
        """Run a command to its end in our terminal and return its exit code; whatever ends us ends it too."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env={**inherited_environment(), **(environment or {})},
            cwd=REPOSITORY,
            start_new_session=True,
        )
        record, record_file = ProcessRecord.of(process.pid, signal.SIGTERM), self.home / "run" / f"{name}.json"
        record.write(record_file)
        try:
            return process.wait()
        finally:
            record.stop()
            process.wait()
            record_file.unlink(missing_ok=True)


@contextmanager
def child_processes(home: Path) -> Iterator[ChildProcesses]:
    """Hold `home` for this process's children; stop those that an earlier one left there, and ours at the end.

    The end is an ordinary one, an exception, or, through a warden process, our own death. Raises HomeInUseError.
    """
    with sole_use(home) as lock:
        for folder in ("run", "logs"):
            (home / folder).mkdir(exist_ok=True)
        stop_recorded(home / "run")
        with _warden(home, lock), ExitStack() as stops:
            yield ChildProcesses(home, stops)


class Identity(TypedDict, total=False):
    """The arguments of subprocess that change the user."""

    user: str
    group: str
    extra_groups: list[str]


def as_user(name: str | None) -> Identity:
    """Return the arguments that make subprocess run a command as `name`; None stays who we are."""
    return Identity(user=name, group=name, extra_groups=[]) if name else Identity()


def inherited_environment() -> dict[str, str]:
    """Return our environment as a child gets it: without what is about another Prefect."""
    # What the user's shell says about another Prefect (a profile, a key, a server) is not for the one we start.
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}


@contextmanager
def _warden(home: Path, lock: IO[str]) -> Iterator[None]:
    reading, writing = os.pipe()
    with _fresh_log(home / "logs" / "warden.log") as log:
        warden = subprocess.Popen(
            [sys.executable, "-m", "deployments.local.warden", str(home / "run")],
            stdin=reading,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
    os.close(reading)
    try:
        yield
    finally:
        os.close(writing)
        warden.wait()


def _fresh_log(file: Path) -> IO[bytes]:
    if file.exists():
        file.replace(file.with_suffix(".previous.log"))
    return file.open("wb")
