"""The folder in which the embedded stack keeps its data, and the right to be the only one that uses it."""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from tasks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
HOME_VARIABLE = "TOURNAMENT_FEES_HOME"

_CLEAN_UP_SECONDS = 60.0  # what the warden of a killed holder may take to stop the children; see warden.py


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
    with opened as lock:
        _take(lock, home)
        lock.truncate(0)
        lock.write(str(psutil.Process().pid))
        lock.flush()
        yield lock


def _take(lock: IO[str], home: Path) -> None:
    deadline = time.monotonic() + _CLEAN_UP_SECONDS
    while not _taken(lock):
        holder = _holder(lock)
        # A dead holder's lock lives on in its warden, for as long as that needs to stop what the holder left running.
        if psutil.pid_exists(holder) or time.monotonic() > deadline:
            raise HomeInUseError(
                f"{home} is in use by process {holder}. Stop that one (kill {holder}), or give this one a folder of "
                f"its own: {HOME_VARIABLE}=/another/folder"
            )
        time.sleep(0.05)  # between two tries: the kernel would let us wait for the lock, but for no set time


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: IO[str]) -> int:
    lock.seek(0)
    written = lock.read().strip()
    return int(written) if written.isdecimal() else 0
