"""The folder in which the embedded stack keeps its data: ours alone, and used by one of us at a time."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from deployments.local.forks import kept_from_forks
from deployments.local.process_tree import ProcessRecord
from deployments.local.temporary_home import OWNER
from tasks.core.errors import ConfigurationError
from tasks.core.private_files import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
LOCAL = REPOSITORY / ".local"
HOME_VARIABLE = "TOURNAMENT_FEES_HOME"

_LOCK = ".lock"
_CLEAN_UP_SECONDS = 300.0  # what the warden of a killed holder may take to stop the children; see warden.py


class HomeInUseError(RuntimeError):
    """Another process runs an embedded stack on the same folder."""


def stack_home(given: Mapping[str, str]) -> Path:
    """Return the stack's folder: `TOURNAMENT_FEES_HOME`, else `.local` in the repository."""
    chosen = given.get(HOME_VARIABLE)
    return Path(chosen).expanduser().resolve() if chosen else LOCAL


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Take these rights from whatever this process makes in the block, and from what the programs that it starts make.

    One mask in place of a mode beside each file: third parties' files are ours too.
    """
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def private_folder(folder: Path) -> Iterator[None]:
    """Keep everything in the folder to its owner: what is there, and what this process makes in the block.

    It is made if missing. Folders above it are never changed, but `.local`. Raises a ConfigurationError.
    """
    with umask(0o077):
        with _told_in_a_line(folder):
            make_private_folder(folder)
            _check_ours(folder)
            close_to_others(LOCAL if LOCAL in folder.parents and _is_ours(LOCAL) else folder)
        yield


@contextmanager
def sole_use(home: Path) -> Iterator[IO[str]]:
    """Hold the folder for this process; yield the locked file, which a process that cleans up after us may inherit.

    The kernel releases the lock with its last holder, so a kill -9 leaves no stale lock. Raises HomeInUseError,
    and a ConfigurationError where the folder is not ours, or cannot be written to.
    """
    with private_folder(home), _lock_file(home) as lock, kept_from_forks(lock):
        _take(lock, home)
        lock.truncate(0)
        lock.write(ProcessRecord.of(os.getpid()).as_text())
        lock.flush()
        yield lock


def close_to_others(top: Path) -> None:
    """Take from others what an earlier version, or a third party, has left open to them."""
    for folder, _, files in os.walk(top):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            with suppress(FileNotFoundError, PermissionError):  # just deleted by its program; in `.local`, maybe root's
                mode = path.lstat().st_mode
                if mode & 0o077 and not stat.S_ISLNK(mode):
                    path.chmod(stat.S_IMODE(mode) & ~0o077)


def _lock_file(home: Path) -> IO[str]:
    with _told_in_a_line(home):
        return (home / _LOCK).open("a+")


@contextmanager
def _told_in_a_line(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written to ({error.strerror}): give the embedded stack another folder, "
            f"{HOME_VARIABLE}=/another/folder"
        ) from None


def _check_ours(folder: Path) -> None:
    if not _is_ours(folder):
        raise PermissionError(0, "it is another user's")
    if folder.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(0, "it is everybody's")
    if (
        LOCAL not in folder.parents
        and any(folder.iterdir())
        and not any((folder / sign).exists() for sign in (_LOCK, OWNER))
    ):
        # Not for us to close to others, nor for the demo to wipe.
        raise PermissionError(0, "it has files that the embedded stack has not made")


def _is_ours(folder: Path) -> bool:
    """Return True if nobody else has made the folder, or the link that leads there."""
    return all(found.st_uid == os.geteuid() for found in (folder.lstat(), folder.stat()))


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
