"""Folders of a run's own in the machine's temporary one; where the run was killed, the next one removes them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.local.forks import kept_from_forks
from deployments.local.process_marks import mark_of
from deployments.local.process_tree import stop_left

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "fees-"
OWNER = ".owner"
"""The file by which a folder of ours is known."""

_MEMORY = Path("/dev/shm")  # noqa: S108  a folder of a random name in it
_ROOM = 4 << 30
"""Bytes: several times what all servers of a run of the tests have at a time."""


@contextmanager
def temporary_home(*, in_memory: bool = False) -> Iterator[Path]:
    """Yield a new folder, which is removed at the end; in memory where that is asked for and there is room.

    Not pytest's own folder: it keeps the data of three runs, and PostgreSQL makes 300 files a database.
    """
    place = _MEMORY if in_memory and _is_roomy(_MEMORY) else None
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        with owned(folder):
            yield folder


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold a folder, by a lock that the kernel releases with us: others leave it alone."""
    draft = folder / f"{OWNER}.draft"
    with draft.open("w") as owner, kept_from_forks(owner):
        fcntl.flock(owner, fcntl.LOCK_EX)
        draft.replace(folder / OWNER)  # nobody sees it without its lock
        yield


def remove_abandoned() -> None:
    """Remove the folders whose owner is gone; what still runs in them is ended first, unless a warden is at that."""
    places = {Path(tempfile.gettempdir()), _MEMORY}
    for owner in (found for place in places for found in place.glob(f"{PREFIX}*/{OWNER}")):
        folder = owner.parent
        with suppress(OSError), ExitStack() as locks:  # not ours, or gone, or held: somebody is there
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            _hold(owner, locks)
            homes = [file.parent for file in folder.rglob(".lock") if (file.parent / "run").is_dir()]
            for home in homes:
                _hold(home / ".lock", locks)
                stop_left(home / "run", mark_of(home))
            shutil.rmtree(folder, ignore_errors=True)


def _is_roomy(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _ROOM


def _hold(file: Path, locks: ExitStack) -> None:
    opened = locks.enter_context(file.open("a"))
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
