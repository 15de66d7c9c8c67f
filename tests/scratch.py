"""Folders for what servers under test write, which nobody needs afterwards."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")  # noqa: S108  a folder of a random name in it
ROOM = 4 << 30
"""Bytes: several times what all servers of a run of the tests have at a time."""


def scratch() -> TemporaryDirectory[str]:
    """A folder until the end of the block: in memory where there is room, since PostgreSQL makes 300 files a database.

    Not tmp_path: root's PostgreSQL runs as somebody else, who may not enter pytest's folders.
    """
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return TemporaryDirectory(prefix="fees-", dir=MEMORY if roomy else None, ignore_cleanup_errors=True)
