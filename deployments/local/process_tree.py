"""End a process with everything it started, by a record on disk, and never one that merely got its pid."""

from __future__ import annotations

import json
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from deployments.local.process_marks import marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GRACE_SECONDS = 20.0

_POLL_SECONDS = 0.03
_STRAGGLER_SECONDS = 3.0
_LOOKS = 3
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class ProcessRecord:
    """A process as it is known again, by what no change of the clock moves, and the signal by which it wants to end.

    `began` is its start as the kernel has it: on Linux since the machine's own, which `boot` names, since a record on
    disk can outlive that; on macOS a date that was noted once.
    """

    pid: int
    began: float
    boot: str
    stop_signal: int

    @classmethod
    def of(cls, pid: int, stop_signal: int = signal.SIGTERM) -> ProcessRecord:
        """Record a process that is there."""
        return cls(pid, _began(psutil.Process(pid)), _boot(), stop_signal)

    @classmethod
    def parse(cls, text: str) -> ProcessRecord | None:
        """Take what as_text() has written; None where that is not so."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def as_text(self) -> str:
        """Return the record to be kept in a file."""
        return json.dumps(asdict(self))

    def write(self, file: Path) -> None:
        """Write the record in one step, so that nobody reads half of it."""
        draft = file.with_suffix(".draft")
        draft.write_text(self.as_text())
        draft.replace(file)

    def process(self) -> psutil.Process | None:
        """Return the process; None where it has ended, whoever has its pid now."""
        try:
            found = psutil.Process(self.pid)
        except psutil.NoSuchProcess:
            return None
        return found if (_began(found), _boot()) == (self.began, self.boot) else None


def stop_left(run: Path, mark: str) -> None:
    """End what is on record in a folder, and then whatever else has the mark.

    The newest first: it may still need an older one to end well.
    """
    files = list(run.glob("*.json"))
    records = [record for file in files if (record := ProcessRecord.parse(file.read_text()))]
    for record in sorted(records, key=lambda record: record.began, reverse=True):
        stop_family(record.process(), record.stop_signal)
    stop_family(None, mark=mark)
    for file in files:
        file.unlink(missing_ok=True)


def stop_family(
    leader: psutil.Process | None,
    stop_signal: int = signal.SIGTERM,
    *,
    mark: str | None = None,
    grace: float = GRACE_SECONDS,
) -> None:
    """End a process, then what it left of those below it, and whoever has the mark."""
    below: list[psutil.Process] = []
    if leader:
        # By wall-clock time, read within a moment: whom psutil leaves out where the clock steps then has the mark.
        with suppress(psutil.NoSuchProcess):
            below = leader.children(recursive=True)
        stop_all([leader], stop_signal, grace=grace)
    for _ in range(_LOOKS):  # what somebody starts while he is being stopped is seen by the next look
        left = list(filter(_runs, [*below, *(marked(mark) if mark else [])]))
        if not left:
            break
        stop_all(left, grace=grace if leader is None else _STRAGGLER_SECONDS)


def stop_all(
    processes: Sequence[psutil.Process], stop_signal: int = signal.SIGTERM, *, grace: float = GRACE_SECONDS
) -> None:
    """Ask the processes to end, and end those that have not after `grace` seconds."""
    for number in (stop_signal, signal.SIGKILL):
        _signal(processes, number)
        _wait_for_end(processes, grace)


def _began(process: psutil.Process) -> float:
    # What psutil itself goes by: its create_time() moves with the clock.
    _, began = process._ident  # type: ignore[attr-defined] # noqa: SLF001  the stubs have no private names
    return float(began)


def _boot() -> str:
    return _BOOT.read_text().strip() if _BOOT.exists() else ""


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(processes: Iterable[psutil.Process], number: int) -> None:
    for process in filter(_runs, processes):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _wait_for_end(processes: Sequence[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)  # most are not our children: the kernel tells nobody but their parent of their end
