"""Children of the embedded stack: started, watched, stopped, and found again."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from deployments.local.demo import wipe
from deployments.local.home import REPOSITORY, HomeInUseError
from deployments.local.ports import last_port, remember_port
from deployments.local.process_tree import ProcessRecord, stop_left
from deployments.local.processes import ChildFailedError, child_processes
from tasks.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.local.conftest import Holding

# A program that stays until somebody ends it: that is what the tests are about.
SLEEPER = "import time; print('listening on here', flush=True); time.sleep(600)"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}], start_new_session=True)
print("listening on", child.pid, flush=True)
child.wait()
"""
"""As a worker of Prefect's starts a flow run: in a session of its own."""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER
SIGNING_OFF = f"""
import atexit, signal, sys
atexit.register(lambda: open(sys.argv[2], "a").write(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
{SLEEPER}
"""
HOLDER = f"""
import sys
from pathlib import Path
from deployments.local.processes import child_processes
with child_processes(Path(sys.argv[1])) as children:
    child = children.start("parent", [sys.executable, "-c", {PARENT!r}])
    child.wait_until(child.listening_on)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def _gone(*pids: int, within: float = 30) -> bool:
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return not [left for left in psutil.wait_procs(processes, within)[1] if left.status() != psutil.STATUS_ZOMBIE]


def test_a_child_and_what_it_started_end_with_the_block(home: Path) -> None:
    with child_processes(home) as children:
        child = children.start("parent", [sys.executable, "-c", PARENT])
        grandchild = int(child.wait_until(child.listening_on))
        assert psutil.pid_exists(grandchild)
    assert _gone(child.process.pid, grandchild, within=0)
    assert list((home / "run").iterdir()) == []


def test_children_end_when_the_block_raises(home: Path) -> None:
    with pytest.raises(KeyboardInterrupt), child_processes(home) as children:  # noqa: PT012 -- the block is the subject
        child = children.start("sleeper", [sys.executable, "-c", SLEEPER])
        raise KeyboardInterrupt
    assert _gone(child.process.pid, within=0)


def test_a_grandchild_whose_parent_was_killed_is_ended_too(home: Path) -> None:
    with child_processes(home) as children:
        child = children.start("parent", [sys.executable, "-c", PARENT])
        grandchild = int(child.wait_until(child.listening_on))
        child.process.kill()
        child.process.wait()
    assert _gone(grandchild, within=0)


def test_a_child_that_ignores_the_polite_signal_is_killed(home: Path) -> None:
    with child_processes(home) as children:
        child = children.start("deaf", [sys.executable, "-c", DEAF])
        child.wait_until(child.listening_on)
        child.stop(grace=0.1)
        assert child.process.returncode == -signal.SIGKILL


def test_a_child_that_dies_at_its_start_shows_its_last_words(home: Path) -> None:
    dying = "import sys; print('first'); sys.exit('no such setting: COLOUR')"
    with child_processes(home) as children:
        child = children.start("dying", [sys.executable, "-c", dying])
        with pytest.raises(ChildFailedError, match=r"(?s)dying ended with exit code 1.*no such setting: COLOUR"):
            child.wait_until(child.listening_on)


def test_a_slow_child_is_waited_for_and_whoever_waits_is_told_so(home: Path) -> None:
    said = list[str]()
    with child_processes(home, said.append) as children:
        child = children.start("sleeper", [sys.executable, "-c", SLEEPER])
        child.wait_until(lambda: len(said) == 2, tell_after=0.01)
        assert [line.partition(",")[0] for line in said] == ["Waiting for sleeper"] * 2
        assert said[0].endswith(f"its log is {home / 'logs' / 'sleeper.log'}")


def test_children_end_when_their_parent_is_killed(home: Path, holding: Holding) -> None:
    with holding(HOLDER, home) as holder:
        below = [process.pid for process in psutil.Process(holder.pid).children(recursive=True)]
        holder.kill()
        holder.wait()
    assert len(below) == 3, "the child, the grandchild and the warden"
    assert _gone(*below)


def test_children_that_outlived_parent_and_warden_are_ended_by_the_next_start(home: Path, holding: Holding) -> None:
    with holding(HOLDER, home) as holder:
        below = psutil.Process(holder.pid).children(recursive=True)
        wardens = [process for process in below if "deployments.local.warden" in process.cmdline()]
        for process in [*wardens, psutil.Process(holder.pid)]:
            process.kill()
        holder.wait()
        children_left = [process.pid for process in below if process not in wardens]
        assert all(map(psutil.pid_exists, children_left))
    with child_processes(home):
        assert _gone(*children_left, within=0)


def test_a_folder_is_emptied_once_what_is_on_record_in_it_has_ended(
    home: Path, stranger: subprocess.Popen[bytes]
) -> None:
    (home / "run").mkdir()
    ProcessRecord.of(stranger.pid).write(home / "run" / "mail.json")
    wipe(home)
    assert stranger.poll() == -signal.SIGTERM
    assert [entry.name for entry in home.iterdir()] == [".lock"]


def test_recorded_children_are_ended_newest_first(home: Path) -> None:
    with child_processes(home) as children:
        for name in ("b", "a", "c"):
            child = children.start(name, [sys.executable, "-c", SIGNING_OFF, name, str(home / "order")])
            child.wait_until(child.listening_on)
        stop_left(home / "run", children.mark)
    assert (home / "order").read_text() == "cab"


def test_a_child_that_is_stopped_early_outlives_those_that_were_started_after_it(home: Path) -> None:
    with child_processes(home) as children:
        started = [
            children.start(name, [sys.executable, "-c", SIGNING_OFF, name, str(home / "order")]) for name in "bac"
        ]
        for child in started:
            child.wait_until(child.listening_on)
        children.stop_back_to(started[1])
        assert (home / "order").read_text() == "ca"
        assert started[0].process.poll() is None
    assert (home / "order").read_text() == "cab"


def test_a_stranger_that_got_a_recorded_pid_is_left_alone(home: Path, stranger: subprocess.Popen[bytes]) -> None:
    (home / "run").mkdir()
    its_own = ProcessRecord.of(stranger.pid)
    replace(its_own, began=its_own.began - 0.01).write(home / "run" / "mail.json")
    replace(its_own, boot="the machine was started again since").write(home / "run" / "stripe.json")
    with child_processes(home):
        assert stranger.poll() is None
    assert stranger.poll() is None


def test_a_holder_that_is_gone_is_not_taken_for_whoever_has_its_pid(
    home: Path, stranger: subprocess.Popen[bytes]
) -> None:
    its_own = ProcessRecord.of(stranger.pid)
    command = [sys.executable, "-c", HOLDER, str(home)]
    with (home / ".lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as the warden of the one who is gone has it
        lock.write(replace(its_own, began=its_own.began - 0.01).as_text())
        lock.flush()
        next_one = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        waiting = psutil.Process(next_one.pid)
        while next_one.poll() is None and lock.name not in [file.path for file in waiting.open_files()]:
            pass
    with next_one:
        assert next_one.communicate("")[0] == "ready\n"


def test_a_record_that_nobody_can_read_is_thrown_away(home: Path) -> None:
    (home / "run").mkdir()
    (home / "run" / "mail.json").write_text('{"pid": ')
    with child_processes(home):
        assert list((home / "run").iterdir()) == []


def test_a_second_holder_is_told_who_is_first_and_what_to_do(home: Path) -> None:
    advice = f"in use by process {os.getpid()}.*kill {os.getpid()}.*TOURNAMENT_FEES_HOME="
    with child_processes(home), pytest.raises(HomeInUseError, match=advice), child_processes(home):
        pass


def test_a_home_that_cannot_be_written_to_is_one_line(home: Path) -> None:
    (home / "file").touch()
    advice = r"file/demo cannot be written to .* TOURNAMENT_FEES_HOME="
    with pytest.raises(ConfigurationError, match=advice), child_processes(home / "file" / "demo"):
        pass


def test_a_port_is_kept_for_the_next_run_unless_it_is_taken(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        remember_port(home, "mail", port)
        assert last_port(home, "mail") == 0
    assert last_port(home, "mail") == port
    assert last_port(home, "never seen") == 0
