"""What a process was started for, in its environment: it hands that on to all that it starts, and keeps it to its end.

So those are found whom nothing else leads to: whose parents have ended, or who lead sessions of their own.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "TOURNAMENT_FEES_STARTED_FOR"


def mark_of(home: Path) -> str:
    """Return the mark of what is started for a stack's folder; another folder at the same place has another one."""
    place = home.stat()
    return hashlib.sha256(f"{home.resolve()} {place.st_dev} {place.st_ino}".encode()).hexdigest()[:16]


def marking(*marks: str) -> dict[str, str]:
    """Return the variable for a process that is started for these, and for whatever we were started for ourselves."""
    return {VARIABLE: " ".join([*os.environ.get(VARIABLE, "").split(), *marks])}


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes with this mark but us; PostgreSQL's own children write a title over theirs."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and mark in _marks(process)]


def _marks(process: psutil.Process) -> list[str]:
    try:
        return process.environ().get(VARIABLE, "").split()
    except psutil.Error:
        return []  # it has ended, or is somebody else's
