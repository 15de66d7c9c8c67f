"""A home for a stack, and a holder of one that can be killed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from deployments.local.home import REPOSITORY, sole_use
from deployments.local.temporary_home import temporary_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


class Holding(Protocol):
    """Run a program in a process of its own until it prints `ready`; it is killed at the end of the block."""

    def __call__(self, program: str, *arguments: str | Path) -> AbstractContextManager[subprocess.Popen[str]]: ...


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home(in_memory=True) as folder:
        yield folder
        with sole_use(folder):
            pass  # the warden of a killed holder has done its work: it needs the records in the folder


@pytest.fixture
def holding() -> Holding:
    return _holding


@contextmanager
def _holding(program: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline().strip() == "ready"
            yield holder
        finally:
            holder.kill()
