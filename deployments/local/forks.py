"""Files that close with us, whatever becomes of those that we have forked: a lock, or a pipe that tells of our end."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ours: list[IO[Any]] = []


@contextmanager
def kept_from_forks(file: IO[Any]) -> Iterator[None]:
    """Let a process that is forked in the block, and runs no program of its own, close the file at once."""
    _ours.append(file)
    try:
        yield
    finally:
        if file in _ours:
            _ours.remove(file)


def _close() -> None:
    while _ours:
        _ours.pop().close()


os.register_at_fork(after_in_child=_close)
