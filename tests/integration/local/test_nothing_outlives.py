"""What tests start ends with their run, however that is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from deployments.local.home import REPOSITORY
from deployments.local.process_marks import marked, marking
from deployments.local.temporary_home import remove_abandoned, temporary_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.integration.local.conftest import Holding

HELPERS = """
import sys
from pathlib import Path
from deployments.local.stripe_standin.launch import running_stand_in
from tests.support.harness import catching_mail
folder = Path(sys.argv[1])
with running_stand_in(folder / "stripe.sqlite3"), catching_mail(folder / "mail"):
    print("ready", flush=True)
    sys.stdin.read()
"""
HELD = "tests/integration/local/held.py"


class Run(NamedTuple):
    """A run of pytest whose test holds all that it can, and everything that was started for it."""

    pytest: subprocess.Popen[bytes]
    worker: int
    started: Sequence[psutil.Process]


@contextmanager
def held(folder: Path, *arguments: str) -> Iterator[Run]:
    """Run pytest as in a terminal of its own, with its temporary folders in this one, until all of it is there."""
    by, mark = folder / "by", f"test-{folder.name}"
    environment = {"TMPDIR": str(folder), "HELD_BY": str(by), **marking(mark)}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, HELD],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with process:
        try:
            while not by.exists():
                assert process.poll() is None, (folder / "said").read_text()
            below = psutil.Process(process.pid).children(recursive=True)
            assert "local.warden" not in names(marked(mark)), "it stays until it has ended the others"
            yield Run(process, int(by.read_text()), list({*below, *marked(mark)}))
        finally:
            process.kill()


def gone(processes: Sequence[psutil.Process]) -> bool:
    """Return True once all have ended; what init has not taken note of yet counts as ended."""
    left = psutil.wait_procs(processes, 60)[1]
    return not [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def names(processes: Sequence[psutil.Process]) -> set[str]:
    """Return what of it we know by name."""
    commands = [" ".join(process.cmdline()) for process in processes if process.is_running()]
    known = ("stripe_standin", "mail_catcher", "bin/postgres", "local.warden", "sleep(3600)")
    return {name for name in known if any(name in command for command in commands)}


def test_a_stand_in_and_a_catcher_end_with_whoever_runs_them(tmp_path: Path, holding: Holding) -> None:
    with holding(HELPERS, tmp_path) as holder:
        below = psutil.Process(holder.pid).children(recursive=True)
        assert names(below) == {"stripe_standin", "mail_catcher", "local.warden"}
        holder.kill()
        holder.wait()
        assert gone(below)


class End(NamedTuple):
    """How a run is ended."""

    number: signal.Signals
    whom: str = "pytest"
    arguments: Sequence[str] = ()


CTRL_C, CLOSED = End(signal.SIGINT, "terminal"), End(signal.SIGHUP, "terminal")
SIDE_BY_SIDE = ("-n", "1", "--max-worker-restart=0")  # else the next worker would get the test of a killed one


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(CTRL_C, id="Ctrl-C", marks=pytest.mark.only_long),
        pytest.param(End(signal.SIGKILL), id="kill -9"),
        pytest.param(
            End(signal.SIGKILL, "worker", SIDE_BY_SIDE), id="kill -9 of a worker", marks=pytest.mark.only_long
        ),
        pytest.param(End(signal.SIGTERM), id="kill", marks=pytest.mark.only_long),
        pytest.param(CLOSED, id="closed terminal", marks=pytest.mark.only_long),
        pytest.param(CTRL_C._replace(arguments=SIDE_BY_SIDE), id="Ctrl-C, side by side", marks=pytest.mark.only_long),
        pytest.param(
            End(signal.SIGINT, "pytest", SIDE_BY_SIDE), id="kill -2, side by side", marks=pytest.mark.only_long
        ),
        pytest.param(
            End(signal.SIGKILL, "pytest", SIDE_BY_SIDE), id="kill -9, side by side", marks=pytest.mark.only_long
        ),
    ],
)
def test_a_run_of_the_tests_leaves_no_process_and_no_folder(home: Path, end: End) -> None:
    with held(home, *end.arguments) as run:
        assert names(run.started) >= {"stripe_standin", "mail_catcher", "bin/postgres", "local.warden", "sleep(3600)"}
        if end.whom == "terminal":
            os.killpg(run.pytest.pid, end.number)
        else:
            os.kill(run.worker if end.whom == "worker" else run.pytest.pid, end.number)
        run.pytest.wait()
        assert gone(run.started)
    assert list(home.glob("fees-*")) == []


@pytest.mark.only_long
def test_what_a_killed_run_and_its_wardens_have_left_is_ended_by_the_next(home: Path) -> None:
    with held(home) as run:
        wardens = [process for process in run.started if "deployments.local.warden" in process.cmdline()]
        for process in wardens:
            process.kill()
        run.pytest.kill()
        run.pytest.wait()
        left = [process for process in run.started if process not in wardens]
        assert names(left) >= {"stripe_standin", "mail_catcher", "bin/postgres", "sleep(3600)"}
        collected = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", HELD]
        subprocess.run(
            collected, cwd=REPOSITORY, env={**os.environ, "TMPDIR": str(home)}, check=True, capture_output=True
        )
        assert gone(left)
    assert list(home.glob("fees-*")) == []


def test_only_a_folder_of_ours_whose_owner_is_gone_is_removed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    abandoned, somebodys = home / "fees-abandoned", home / "fees-somebodys"
    for folder in (abandoned, somebodys):
        folder.mkdir()
    (abandoned / ".owner").touch()
    with temporary_home() as held_by_us:
        remove_abandoned()
        assert set(home.glob("fees-*")) == {held_by_us, somebodys}
