"""End a process with everything it started, by a record on disk, and never one that merely got its pid."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GRACE_SECONDS = 20.0

_POLL_SECONDS = 0.03
_STRAGGLER_SECONDS = 3.0


@dataclass(frozen=True)
class ProcessRecord:
    """A process that leads a session of its own: its pid, when it was created (seconds, UTC), how it wants to end."""

    pid: int
    created: float
    stop_signal: int

    @classmethod
    def of(cls, pid: int, stop_signal: signal.Signals) -> ProcessRecord:
        """Record a process that runs."""
        return cls(pid, psutil.Process(pid).create_time(), stop_signal)

    def write(self, file: Path) -> None:
        """Write the record in one step, so that nobody reads half of it."""
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(file)

    def stop(self, *, grace: float = GRACE_SECONDS) -> None:
        """End the process, then what it left of its tree: politely first, by SIGKILL after `grace` seconds."""
        members = self._members()
        stop_all([process for process in members if process.pid == self.pid], self.stop_signal, grace=grace)
        stop_all(members, grace=_STRAGGLER_SECONDS)

    def _members(self) -> list[psutil.Process]:
        """Return the process, its descendants, and what else is in the session that it leads.

        The kernel gives no new process a pid that still names a session: where the leader is gone, its session is ours.
        """
        found: dict[int, psutil.Process] = {}
        if psutil.pid_exists(self.pid):
            leader = _process(self.pid)
            if leader is None or abs(leader.create_time() - self.created) > 1:
                return []
            found = {process.pid: process for process in [leader, *leader.children(recursive=True)]}
        for process in psutil.process_iter():
            if _session(process.pid) == self.pid:
                found.setdefault(process.pid, process)
        return list(found.values())


def stop_recorded(folder: Path) -> None:
    """End every process that is on record in `folder`, the newest first: it may still need an older one to end well."""
    files = list(folder.glob("*.json"))
    records = [record for file in files if (record := _read(file))]
    for record in sorted(records, key=lambda record: record.created, reverse=True):
        record.stop()
    for file in files:
        file.unlink(missing_ok=True)


def stop_all(
    processes: list[psutil.Process], stop_signal: int = signal.SIGTERM, *, grace: float = GRACE_SECONDS
) -> None:
    """Ask the processes to end, and end those that have not after `grace` seconds."""
    for number in (stop_signal, signal.SIGKILL):
        _signal(processes, number)
        _wait_for_end(processes, grace)


def _read(file: Path) -> ProcessRecord | None:
    try:
        return ProcessRecord(**json.loads(file.read_text()))
    except (ValueError, TypeError):
        return None  # not written by us


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(processes: Iterable[psutil.Process], number: int) -> None:
    for process in filter(_runs, processes):
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _wait_for_end(processes: list[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)  # most are not our children: the kernel tells nobody but their parent of their end
