"""Stop a process's children when it dies, however it dies: `python -m deployments.local.warden RECORDS < pipe`.

A pipe rather than Linux's PR_SET_PDEATHSIG: that signal comes when the *thread* that started the child ends, reaches
one process instead of its tree, is lost when a child changes its user, and exists on Linux only. The pipe's other end
is held by the parent alone, so it closes with the parent, on kill -9 as well. The warden also inherits the lock on the
stack's folder: the next stack waits until it is done. (A process that the parent forked, without starting another
program in it, holds the pipe too; the warden then waits for the last of them.)
"""

from __future__ import annotations

import sys
from pathlib import Path

from deployments.local.process_tree import stop_recorded


def main() -> None:
    """Wait for the end of the parent, then stop the children that it did not stop itself."""
    sys.stdin.buffer.read()
    stop_recorded(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
