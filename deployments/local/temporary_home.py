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
_OWNER = ".owner"


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Yield a new folder, which is removed at the end.

    Not in pytest's own: PostgreSQL's user under root must pass through every folder above, and pytest closes its.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        with owned(folder):
            yield folder


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold a folder, by a lock that the kernel releases with us: others leave it alone."""
    draft = folder / f"{_OWNER}.draft"
    with draft.open("w") as owner, kept_from_forks(owner):
        fcntl.flock(owner, fcntl.LOCK_EX)
        draft.replace(folder / _OWNER)  # nobody sees it without its lock
        yield


def remove_abandoned() -> None:
    """Remove the folders whose owner is gone; what still runs in them is ended first, unless a warden is at that."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_OWNER}"):
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


def _hold(file: Path, locks: ExitStack) -> None:
    opened = locks.enter_context(file.open("a"))
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
