"""Child processes with a log, a health check and an end: none outlives its parent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypedDict, TypeVar

import psutil

from deployments.local.home import REPOSITORY, sole_use
from deployments.local.process_marks import mark_of, marking
from deployments.local.process_tree import GRACE_SECONDS, ProcessRecord, stop_family, stop_left
from deployments.local.warden import warden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

TELL_SECONDS = 10.0
"""After so long somebody is told what is waited for, and again after twice as long."""

_POLL_SECONDS = 0.03
_LISTENING = re.compile(r"^listening on (.+)$", re.MULTILINE)


class ChildFailedError(RuntimeError):
    """A child process died, or cannot be ended; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Child:
    """A running child process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: int
    mark: str
    record_file: Path
    tell: Callable[[str], None]

    def wait_until(
        self, ready: Callable[[], T | None], *, every: float = _POLL_SECONDS, tell_after: float = TELL_SECONDS
    ) -> T:
        """Poll until `ready` returns something true, and return that; for as long as the child lives: it may be slow.

        Whoever waits is told so now and then, and where the log is. Raises ChildFailedError where the child has ended.
        """
        began = time.monotonic()
        while not (answer := ready()):
            if (code := self.process.poll()) is not None:
                raise ChildFailedError(f"{self.name} ended with exit code {code}.{self.last_words()}")
            if (waited := time.monotonic() - began) >= tell_after:
                self.tell(f"Waiting for {self.name}, for {waited:.0f} s now; its log is {self.log}")
                tell_after *= 2
            time.sleep(every)  # between two looks: a program tells nobody when it has begun to answer
        return answer

    def listening_on(self) -> str | None:
        """Return what the child said behind `listening on`: it chose its own free port, so nobody can take it first."""
        said = _LISTENING.search(self.log.read_text(errors="replace"))
        return said[1].strip() if said else None

    def stop(self, *, grace: float = GRACE_SECONDS) -> None:
        """Stop the child and everything it started. Raises ChildFailedError where not even SIGKILL ends it."""
        # Nobody else gets the pid of a child before we have taken note of its end: no record is needed to know it.
        leader = psutil.Process(self.process.pid) if self.process.poll() is None else None
        stop_family(leader, self.stop_signal, mark=self.mark, grace=grace)
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            message = f"{self.name} (process {self.process.pid}) does not end.{self.last_words()}"
            raise ChildFailedError(message) from None
        self.record_file.unlink(missing_ok=True)

    def last_words(self, lines: int = 15) -> str:
        """Return the end of the log, to be put behind a sentence."""
        tail = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "".join(f"\n  {line}" for line in [f"The end of {self.log}:", *tail])


@dataclass(frozen=True)
class ChildProcesses:
    """The children of this process that keep their logs and records under one home; made by child_processes()."""

    home: Path
    mark: str
    tell: Callable[[str], None]
    _living: list[Child] = field(default_factory=list)

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
        with _fresh_log(self._log(name)) as log:
            process = subprocess.Popen(  # Child.stop ends it, rather than a with statement here
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(name, {"PYTHONUNBUFFERED": "1", **(environment or {})}),
                cwd=folder,
                start_new_session=True,
                **as_user(user),
            )
        child = self._child(name, process, stop_signal)
        self._living.append(child)
        return child

    def stop_back_to(self, child: Child | None) -> None:
        """Stop a child and those that were started later, which may need it to end well; None: stop all."""
        with ExitStack() as stops:  # each of them, also where one raises
            for one in self._living[self._living.index(child) if child else 0 :]:
                stops.callback(self._living.remove, one)
                stops.callback(one.stop)

    def run(self, name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> int:
        """Run a command to its end in our terminal and return its exit code; whatever ends us ends it too."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env=self._environment(name, environment or {}),
            cwd=REPOSITORY,
            start_new_session=True,
        )
        child = self._child(name, process, signal.SIGTERM)
        try:
            return process.wait()
        finally:
            child.stop()

    def _environment(self, name: str, more: Mapping[str, str]) -> dict[str, str]:
        return {**inherited_environment(), **more, **marking(self.mark, self._mark(name))}

    def _child(self, name: str, process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> Child:
        record_file = self.home / "run" / f"{name}.json"
        ProcessRecord.of(process.pid, stop_signal).write(record_file)
        return Child(name, process, self._log(name), stop_signal, self._mark(name), record_file, self.tell)

    def _mark(self, name: str) -> str:
        return f"{self.mark}/{name}"

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"


@contextmanager
def child_processes(home: Path, tell: Callable[[str], None] = print) -> Iterator[ChildProcesses]:
    """Hold `home` for this process's children; stop those that an earlier one left there, and ours at the end.

    The end is an ordinary one, an exception, or, through a warden process, our own death. `tell` is for whoever waits
    for a child. Raises HomeInUseError.
    """
    with sole_use(home) as lock, ExitStack() as parts:
        for folder in ("run", "logs"):
            (home / folder).mkdir(exist_ok=True)
        mark = mark_of(home)
        stop_left(home / "run", mark)
        log = parts.enter_context(_fresh_log(home / "logs" / "warden.log"))
        parts.enter_context(warden(home / "run", mark, lock, log))
        children = ChildProcesses(home, mark, tell)
        parts.callback(children.stop_back_to, None)
        yield children


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


def _fresh_log(file: Path) -> IO[bytes]:
    if file.exists():
        file.replace(file.with_suffix(".previous.log"))
    return file.open("wb")
