"""The folder in which the embedded stack keeps its data, and the right to be the only one that uses it."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from deployments.local.forks import kept_from_forks
from deployments.local.process_tree import ProcessRecord
from tasks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
HOME_VARIABLE = "TOURNAMENT_FEES_HOME"

_CLEAN_UP_SECONDS = 300.0  # what the warden of a killed holder may take to stop the children; see warden.py


class HomeInUseError(RuntimeError):
    """Another process runs an embedded stack on the same folder."""


def stack_home(given: Mapping[str, str]) -> Path:
    """Return the stack's folder: `TOURNAMENT_FEES_HOME`, else `.local` in the repository."""
    chosen = given.get(HOME_VARIABLE)
    return Path(chosen).expanduser().resolve() if chosen else REPOSITORY / ".local"


@contextmanager
def sole_use(home: Path) -> Iterator[IO[str]]:
    """Hold the folder for this process; yield the locked file, which a process that cleans up after us may inherit.

    The kernel releases the lock with its last holder, so a kill -9 leaves no stale lock. Raises HomeInUseError,
    and a ConfigurationError where the folder cannot be written to.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds people's addresses
        opened = (home / ".lock").open("a+")
    except OSError as error:
        raise ConfigurationError(
            f"{home} cannot be written to ({error.strerror}): give the embedded stack another folder, "
            f"{HOME_VARIABLE}=/another/folder"
        ) from None
    with opened as lock, kept_from_forks(lock):
        _take(lock, home)
        lock.truncate(0)
        lock.write(ProcessRecord.of(os.getpid()).as_text())
        lock.flush()
        yield lock


def _take(lock: IO[str], home: Path) -> None:
    deadline = time.monotonic() + _CLEAN_UP_SECONDS
    while not _taken(lock):
        holder = _holder(lock)
        if holder and holder.process():
            raise HomeInUseError(
                f"{home} is in use by process {holder.pid}. Stop that one (kill {holder.pid}), or give this one a "
                f"folder of its own: {HOME_VARIABLE}=/another/folder"
            )
        # A dead holder's lock lives on in its warden, for as long as that needs to stop what the holder left running.
        if time.monotonic() > deadline:
            raise HomeInUseError(f"what was at work on {home} has ended and is still being stopped: see {home}/logs")
        time.sleep(0.05)  # between two tries: the kernel would let us wait for the lock, but for no set time


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: IO[str]) -> ProcessRecord | None:
    lock.seek(0)
    return ProcessRecord.parse(lock.read())
