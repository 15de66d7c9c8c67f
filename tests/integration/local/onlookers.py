"""What others on this machine can see of a folder."""

import os
import pwd
import stat
import subprocess
from contextlib import suppress
from pathlib import Path


def open_to_others(top: Path) -> list[str]:
    """What in the folder, itself included, has rights for others than its owner, or is not ours or our database's."""
    ours = {os.geteuid(), (top / "postgres").stat().st_uid if (top / "postgres").exists() else os.geteuid()}
    found = []
    for path in everything(top):
        with suppress(FileNotFoundError):  # a program of the stack has just deleted it
            seen = path.lstat()
            if not stat.S_ISLNK(seen.st_mode) and (seen.st_mode & 0o077 or seen.st_uid not in ours):
                found.append(f"{stat.filemode(seen.st_mode)} {seen.st_uid} {path}")
    return found


def everything(top: Path) -> list[Path]:
    return [Path(folder, name) for folder, _, files in os.walk(top) for name in ("", *files)]


def read_by_a_stranger(top: Path) -> list[str]:
    """What another user opens, who knows the name of everything in the folder; for root alone."""
    names = "".join(f"{path}\n" for path in everything(top))
    reader = 'while IFS= read -r name; do true < "$name" && echo "$name"; done; true'
    tried = subprocess.run(
        ["/bin/sh", "-c", reader],
        input=names,
        capture_output=True,
        text=True,
        check=True,
        user="nobody",
        group=pwd.getpwnam("nobody").pw_gid,
        extra_groups=[],
    )
    return tried.stdout.splitlines()
