"""The pipeline on PostgreSQL 15, which clubs run in production: its integration tests again, on Debian's server."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deployments.local.temporary_home import temporary_home

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
REPOSITORY = Path(__file__).parents[2]
INTEGRATION = REPOSITORY / "tests" / "integration"
ABOUT_THE_DATABASE = (
    "core/test_migrations",
    "campaigns/test_enqueue",
    "core/test_roles_owner",
    "operations/test_status",
    "campaigns/test_story",
)
"""The files that run most statements; others are about the mail server, the terminal or Stripe's calls."""


@pytest.fixture
def socket_folder() -> Iterator[str]:
    """A PostgreSQL 15 server on a Unix socket, run by whoever may: PostgreSQL refuses to run as root."""
    user = "postgres" if os.geteuid() == 0 else None
    with temporary_home() as home:
        home.chmod(0o755)  # the server runs as somebody else
        folder = home / "server"
        folder.mkdir(mode=0o700)
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        options = f"-k {folder} -c listen_addresses="
        run(user, "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8")
        run(user, "pg_ctl", "-w", "-D", data, "-l", folder / "log", "-o", options, "start")
        try:
            yield str(folder)
        finally:
            run(user, "pg_ctl", "-w", "-m", "fast", "-D", data, "stop")


def run(user: str | None, program: str, *arguments: str | Path) -> None:
    subprocess.run([PROGRAMS / program, *arguments], user=user, cwd="/", stdout=subprocess.DEVNULL, check=True)


def test_the_integration_tests_pass_on_postgresql_15(socket_folder: str) -> None:
    with psycopg.connect(host=socket_folder, user="postgres", dbname="postgres") as connection:
        assert connection.info.server_version // 10_000 == 15
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "--dist",
            "loadfile",
            *(INTEGRATION / f"{name}.py" for name in ABOUT_THE_DATABASE),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "TEST_DATABASE_URL": f"postgresql+psycopg://postgres@/postgres?host={socket_folder}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
