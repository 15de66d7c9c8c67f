"""An embedded PostgreSQL server. It listens on a Unix socket only, in a folder that only its owner may enter."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
from psycopg import sql

from deployments.local.postgres_programs import Programs, postgres_programs
from deployments.local.process_tree import stop_all
from deployments.local.processes import ChildProcesses, child_processes
from tasks.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 103  # macOS's limit; Linux allows 107
_PLAIN_PATH = re.compile(r"[\w./-]+", re.ASCII)  # means the same in a URL and in PostgreSQL's list of folders
_SETTINGS = {"listen_addresses": "", "unix_socket_permissions": "0700", "timezone": "UTC", "log_timezone": "UTC"}


@dataclass(frozen=True)
class PostgresServer:
    """A running server."""

    socket_folder: Path
    pid: int

    def url(self, database: str, driver: str = "psycopg") -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+{driver}://postgres@/{database}?host={self.socket_folder}"

    def create_database(self, name: str) -> None:
        """Create a database unless it is there."""
        with self.connect() as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).rowcount == 0:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Open a connection as the superuser, each statement a transaction of its own."""
        return psycopg.connect(
            host=str(self.socket_folder), dbname=database, user="postgres", connect_timeout=5, autocommit=True
        )

    def answers(self) -> bool:
        """Tell whether a real connection gets a real answer, from the process that we started."""
        try:
            with self.connect() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False


@contextmanager
def embedded_postgres(
    data: Path,
    *,
    databases: tuple[str, ...] = ("club", "prefect"),
    settings: Mapping[str, str] | None = None,
    children: ChildProcesses | None = None,
) -> Iterator[PostgresServer]:
    """Run a server on the folder `data`, made if missing, until the end of the block.

    `settings` are PostgreSQL's own, for this run. The log and the lock are kept in the folder's parent, unless the
    server joins a stack's `children`. Raises ChildFailedError with PostgreSQL's own words, HomeInUseError.
    """
    data = data.resolve()
    with ExitStack() as stack:
        children = children or stack.enter_context(child_processes(data.parent))
        programs = postgres_programs()
        socket_folder = stack.enter_context(_socket_folder(data))
        _clear_the_way(data)
        _initialise(data, programs, children)
        place = programs.place(data if programs.user else socket_folder)
        options = {**_SETTINGS, "unix_socket_directories": place, **(settings or {})}
        command = [str(programs.folder / "postgres"), "-D", programs.place(data)]
        command += [f"--{name}={value}" for name, value in options.items()]
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        child = children.start("postgres", command, folder=data, user=programs.user, stop_signal=signal.SIGINT)
        stack.callback(children.stop_back_to, child)
        server = PostgresServer(socket_folder, child.process.pid)
        child.wait_until(server.answers)
        for database in databases:
            server.create_database(database)
        yield server


def _initialise(data: Path, programs: Programs, children: ChildProcesses) -> None:
    """Make a new cluster beside its place and move it there whole: a kill in between leaves no half of one."""
    if (data / "PG_VERSION").exists():
        return
    draft = data.with_name(f"{data.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    if programs.user:
        shutil.chown(draft, programs.user, programs.user)
    # The builtin provider sorts and folds alike on every machine, whatever locales that has installed.
    command = [str(programs.folder / "initdb"), "-D", programs.place(draft)]
    command += ["--username=postgres", "--auth=trust", "--encoding=UTF8"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    child = children.start("initdb", command, folder=draft, user=programs.user)
    child.wait_until(lambda: child.process.poll() == 0)
    draft.rename(data)


def _clear_the_way(data: Path) -> None:
    """Stop a server that still runs on `data`, and remove lock files that name a living stranger.

    The lock file of a dead process stays: PostgreSQL deals with that itself, and looks for surviving backends first.
    """
    everyone = psutil.process_iter(["name", "cwd", "cmdline"])
    ours = [process for process in everyone if process.info["name"] == "postgres" and process.info["cwd"] == str(data)]
    # A server was started with a path; its backends have set a title such as `postgres: checkpointer`.
    servers = [process for process in ours if process.info["cmdline"][0].endswith("/postgres")]
    stop_all(servers, signal.SIGINT)
    stop_all([process for process in ours if process not in servers], signal.SIGQUIT)
    for lock in (data / "postmaster.pid", data / f"{_SOCKET}.lock"):
        if lock.exists() and psutil.pid_exists(_first_number(lock)):
            lock.unlink()


def _first_number(file: Path) -> int:
    first = file.read_text().split("\n", 1)[0].strip()
    return int(first) if first.isdecimal() else 0


@contextmanager
def _socket_folder(data: Path) -> Iterator[Path]:
    """Yield `data` itself, or where that is no good as a socket's address a short link to it, always the same."""
    if _PLAIN_PATH.fullmatch(str(data)) and len(os.fsencode(data / _SOCKET)) <= _SOCKET_PATH_BYTES:
        yield data
        return
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    link = Path(tempfile.gettempdir()) / f"fees-{os.geteuid()}-{digest}"
    with suppress(FileExistsError):
        link.symlink_to(data)
    if not (link.is_symlink() and link.lstat().st_uid == os.geteuid() and link.readlink() == data):
        raise ConfigurationError(f"{link} is somebody else's, and leads elsewhere: remove it and start again")
    try:
        yield link
    finally:
        link.unlink(missing_ok=True)
