"""Stop a process's children when it dies, however it dies: `python -m deployments.local.warden … < pipe`.

A pipe rather than Linux's PR_SET_PDEATHSIG: that signal comes when the *thread* that started the child ends, reaches
one process instead of its tree, is lost when a child changes its user, and exists on Linux only. The pipe's other end
is held by the parent alone, so it closes with the parent, on kill -9 as well. The warden also inherits the lock on the
stack's folder: the next stack waits until it is done.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from deployments.local.forks import kept_from_forks
from deployments.local.home import REPOSITORY
from deployments.local.process_marks import VARIABLE
from deployments.local.process_tree import ProcessRecord, stop_left
from deployments.local.temporary_home import remove_abandoned

if TYPE_CHECKING:
    from collections.abc import Iterator

_DONE = b"."
"""What the parent says at an ordinary end, when it has stopped them itself."""


_records: list[Path] = []


@contextmanager
def warden(records: Path, mark: str, lock: IO[str], log: IO[bytes]) -> Iterator[None]:
    """Have a warden until the end of the block; at any end of it, what is on record or has the mark is stopped."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "deployments.local.warden", str(records), mark, str(lock.fileno())],
        stdin=reading,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if name != VARIABLE},  # it outlives what we are part of
        cwd=REPOSITORY,
        start_new_session=True,
        pass_fds=[lock.fileno()],
    )
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as pipe, kept_from_forks(pipe):
        _records.append(records)
        try:
            yield
        finally:
            if not pipe.closed:  # else we were forked, and it is our parent's
                _records.remove(records)
                with suppress(BrokenPipeError):  # somebody has killed it
                    pipe.write(_DONE)
                pipe.close()
                process.wait()


def _be_recorded() -> None:
    """Let a process that we forked, and that runs no program of its own, be a child like others."""
    while _records:
        with suppress(OSError, psutil.Error):
            ProcessRecord.of(os.getpid()).write(_records.pop() / f"fork-{os.getpid()}.json")


os.register_at_fork(after_in_child=_be_recorded)


def main() -> None:
    """Wait for the end of the parent, then stop what it did not stop itself, and remove its temporary folders."""
    records, mark, lock = sys.argv[1:]
    ended_well = sys.stdin.buffer.read(1) == _DONE
    stop_left(Path(records), mark)
    if not ended_well:
        os.close(int(lock))
        remove_abandoned()


if __name__ == "__main__":
    main()
