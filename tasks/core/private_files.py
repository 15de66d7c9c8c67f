"""Files for their owner's eyes alone: under their name they are whole, or not there."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO

DRAFTS_STAY_SECONDS = 3600.0
"""Longer than anybody takes from one line to the next: a draft that is older is of a process that died."""

_DRAFT = ".fees-draft"


@contextmanager
def whole_file(file: Path) -> Iterator[IO[bytes]]:
    """Give a file to write, which takes its name at the end of the block, in place of what has it.

    Whoever is killed in between leaves a draft beside it, for the next one who writes into the folder to take away.
    """
    forget_drafts(file.parent)
    draft = file.with_name(f".{token_hex(8)}{_DRAFT}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def forget_drafts(folder: Path) -> None:
    """Delete the drafts that nobody will finish."""
    for draft in folder.glob(f".*{_DRAFT}"):
        try:
            if draft.stat().st_mtime < time.time() - DRAFTS_STAY_SECONDS:
                draft.unlink()
        except (FileNotFoundError, PermissionError):
            continue  # it has just got its name, somebody else has deleted it, or it is somebody else's


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone; what is there stays as it is."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
