"""The embedded PostgreSQL server, and what it starts from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from deployments.local.home import HomeInUseError, umask
from deployments.local.postgres import PostgresServer, embedded_postgres
from deployments.local.postgres_programs import COPIES, PROGRAMS, postgres_programs, public_copy
from deployments.local.processes import ChildFailedError, as_user, child_processes
from tasks.core.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.integration.local.conftest import Holding

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="about what only root does")

HOLDER = """
import sys
from pathlib import Path
from deployments.local.postgres import embedded_postgres
with embedded_postgres(Path(sys.argv[1])) as server, server.connect("club") as connection:
    connection.execute("CREATE TABLE kept (word text)")
    connection.execute("INSERT INTO kept VALUES ('still here')")
    print("ready", flush=True)
    sys.stdin.read()
"""

# Asks the server when it is told to end, as Prefect's does.
CLIENT = """
import signal, sys
import psycopg
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("listening on here", flush=True)
signal.sigwait([signal.SIGTERM])
with psycopg.connect(host=sys.argv[1], user="postgres") as connection:
    print(connection.execute("SELECT 'answered'").fetchone(), flush=True)
"""


def _kept(server: PostgresServer) -> str:
    engine = create_engine(server.url("club"), poolclass=NullPool)
    with engine.connect() as connection:
        return str(connection.scalar(text("SELECT word FROM kept")))


def _servers(data: Path) -> list[int]:
    wanted = {"name": "postgres", "cwd": str(data)}
    return [process.pid for process in psutil.process_iter(list(wanted)) if process.info == wanted]


def test_a_server_has_its_databases_and_ends_with_the_block(home: Path) -> None:
    data = home / "postgres"
    with embedded_postgres(data, databases=("club", "prefect")) as server, server.connect("prefect") as connection:
        connection.execute("CREATE EXTENSION pg_trgm")  # Prefect's server needs it
        assert connection.execute("SELECT lower('ÄÖ'), current_setting('TimeZone')").fetchone() == ("äö", "UTC")
        assert server.url("club") == f"postgresql+psycopg://postgres@/club?host={data}"
    assert _servers(data) == []


def test_a_server_keeps_its_data_and_takes_settings(home: Path) -> None:
    with embedded_postgres(home / "postgres", databases=("club",)) as server, server.connect("club") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'still here' AS word")
    with embedded_postgres(home / "postgres", settings={"work_mem": "5MB"}) as server:
        assert _kept(server) == "still here"
        with server.connect() as connection:
            assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
            assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_no_folder_above_the_data_or_the_programs_is_opened(home: Path) -> None:
    data = home / "closed" / "postgres"
    above = {folder: folder.stat().st_mode for folder in {*data.parents[1:], *PROGRAMS.parents}}
    with embedded_postgres(data, databases=()) as server:
        assert server.answers()
    assert {folder: folder.stat().st_mode for folder in above} == above
    assert data.parent.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_under_root_the_server_is_somebody_else_who_may_not_enter_our_folders(home: Path) -> None:
    with embedded_postgres(home / "postgres") as server:
        process = psutil.Process(server.pid)
        assert process.username() == (home / "postgres").owner() != "root"
        assert Path(process.exe()).is_relative_to(COPIES)
        looking = subprocess.run(["/bin/ls", home], check=False, capture_output=True, **as_user(process.username()))
        assert b"Permission denied" in looking.stderr


@AS_ROOT
def test_everybody_may_run_the_programs_and_root_alone_can_change_them(home: Path) -> None:
    closed, copies = home / "site-packages", home / "copies"
    for folder in PROGRAMS.parents[2].glob("embedded_postgres*"):
        shutil.copytree(folder, closed / folder.name)
    for path in (closed, *closed.rglob("*")):
        path.chmod(0o700)
    home.chmod(0o755)
    (package,) = distributions(path=[str(closed)])
    other_version, cut_short = (Path(f"{copies}{closed}", name) for name in ("1.0", "draft"))
    for folder in (other_version, cut_short):
        with umask(0o022):  # a stack that other tests share may have set its own
            (folder / "embedded_postgres").mkdir(parents=True)
    with umask(0o077):
        copy = public_copy(package, copies)
    for path in (copy, *copy.rglob("*")):
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (0, 0o755)
    command = [str(copy / "embedded_postgres/pginstall/bin/initdb"), "--version"]
    assert subprocess.check_output(command, user="nobody", cwd="/").startswith(b"initdb (PostgreSQL)")
    assert list(copy.parent.iterdir()) == [copy]
    before = copy.stat().st_ctime_ns
    assert public_copy(package, copies).stat().st_ctime_ns == before


@AS_ROOT
def test_programs_are_not_run_from_where_somebody_else_could_put_his(home: Path) -> None:
    theirs, open_to_all, link = home / "theirs", home / "open", home / "link"
    theirs.mkdir()
    shutil.chown(theirs, "nobody")
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    link.symlink_to(home)
    for copies in (theirs, open_to_all, link):
        with pytest.raises(ConfigurationError, match=r"is not root's alone.*start it as an ordinary user"):
            postgres_programs(copies)


@AS_ROOT
def test_a_short_name_that_another_user_has_taken_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    data = home / "two words" / "postgres"
    with embedded_postgres(data, databases=()) as server:
        link = server.socket_folder
        assert link.parent == home
    link.symlink_to(data)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    with pytest.raises(ConfigurationError, match=f"{link} is somebody else's"), embedded_postgres(data):
        pass
    link.unlink()
    link.symlink_to(home)
    with pytest.raises(ConfigurationError, match=f"{link} is somebody else's"), embedded_postgres(data):
        pass


def test_those_who_were_started_after_a_server_may_ask_it_to_their_end(home: Path) -> None:
    with (
        child_processes(home) as children,
        embedded_postgres(home / "postgres", databases=(), children=children) as server,
    ):
        client = children.start("client", [sys.executable, "-c", CLIENT, str(server.socket_folder)])
        client.wait_until(client.listening_on)
    assert "answered" in client.log.read_text()


@pytest.mark.parametrize("name", ["two words", "O'Hara, 100%", "long" * 30])
def test_a_folder_that_is_no_socket_address_serves_all_the_same(home: Path, name: str) -> None:
    with embedded_postgres(home / name / "postgres", databases=("club",)) as server:
        assert server.answers()
        engine = create_engine(server.url("club"), poolclass=NullPool)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT current_database()")) == "club"
        assert server.socket_folder.stat().st_mode & 0o077 == 0


def test_nobody_else_may_enter_the_data_or_reach_the_server_by_network(home: Path) -> None:
    with embedded_postgres(home / "postgres", databases=()) as server:
        for entry in ("", ".s.PGSQL.5432", ".s.PGSQL.5432.lock", "postmaster.pid"):
            assert (home / "postgres" / entry).stat().st_mode & 0o077 == 0
        assert psutil.Process(server.pid).net_connections("inet") == []


def test_data_survives_a_kill_of_the_holder(home: Path, holding: Holding) -> None:
    with holding(HOLDER, home / "postgres") as holder:
        holder.kill()
        holder.wait()
    with embedded_postgres(home / "postgres") as server:
        assert _kept(server) == "still here"
    assert _servers(home / "postgres") == []


def test_a_server_that_outlived_holder_and_warden_is_taken_over(home: Path, holding: Holding) -> None:
    data = home / "postgres"
    with holding(HOLDER, data) as holder:
        for process in psutil.Process(holder.pid).children():
            if "deployments.local.warden" in process.cmdline():
                process.kill()
        holder.kill()
        holder.wait()
    (home / "run" / "postgres.json").unlink()  # as if killed before the record was written
    left = _servers(data)
    assert left
    with embedded_postgres(data) as server:
        assert _kept(server) == "still here"
        assert server.pid not in left
    assert _servers(data) == []


def test_data_survives_a_kill_of_the_server(home: Path, holding: Holding) -> None:
    with holding(HOLDER, home / "postgres") as holder:
        server_pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        for process in [*psutil.Process(holder.pid).children(), psutil.Process(holder.pid)]:
            if process.pid != server_pid:
                process.kill()
        psutil.Process(server_pid).kill()
    with embedded_postgres(home / "postgres") as server:
        assert _kept(server) == "still here"


@pytest.mark.only_long
def test_lock_files_that_name_a_living_stranger_are_seen_through(home: Path) -> None:
    data = home / "postgres"
    locks = [data / "postmaster.pid", data / ".s.PGSQL.5432.lock"]
    with embedded_postgres(data) as server:
        stale = [lock.read_text() for lock in locks]
    # PostgreSQL takes a pid for its own server's if it belongs to its own user.
    user = data.owner() if os.geteuid() == 0 else None
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, **as_user(user)) as stranger:
        for lock, text_ in zip(locks, stale, strict=True):
            lock.write_text(text_.replace(str(server.pid), str(stranger.pid), 1))
        with embedded_postgres(data) as server:
            assert server.answers()
        assert stranger.poll() is None


@pytest.mark.only_long
def test_an_initialisation_that_was_cut_short_is_started_over(home: Path) -> None:
    draft = home / "postgres.draft"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    with embedded_postgres(home / "postgres") as server:
        assert server.answers()
    assert not draft.exists()


def test_data_of_another_version_is_refused_in_postgresqls_own_words(home: Path) -> None:
    with embedded_postgres(home / "postgres", databases=()):
        pass
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    words = "initialized by PostgreSQL version 9"
    with pytest.raises(ChildFailedError, match=words), embedded_postgres(home / "postgres"):
        pass


def test_two_servers_never_share_a_folder(home: Path) -> None:
    with embedded_postgres(home / "postgres") as server:
        with pytest.raises(HomeInUseError, match=str(os.getpid())), embedded_postgres(home / "postgres"):
            pass
        assert server.answers()
