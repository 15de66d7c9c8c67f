"""For programs whose run nothing may outlive that they start: the tests, the benchmark, the simulation."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deployments.local.process_marks import VARIABLE, marking
from deployments.local.processes import child_processes
from deployments.local.temporary_home import remove_abandoned, temporary_home

if TYPE_CHECKING:
    from collections.abc import Iterator

_begun: list[str] = []


@contextmanager
def whole_run() -> Iterator[None]:
    """Let whatever this process starts in the block end with it, however either is started or ended.

    Within a run that this process has begun already, it is that one's.
    """
    if _begun:
        yield
        return
    remove_abandoned()
    with temporary_home() as home, child_processes(home) as children:
        before = os.environ.get(VARIABLE)
        os.environ.update(marking(children.mark))
        _begun.append(children.mark)
        try:
            yield
        finally:
            _begun.clear()
            os.environ.pop(VARIABLE) if before is None else os.environ.update({VARIABLE: before})
