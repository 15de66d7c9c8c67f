"""A worker that is stopped from outside: its runs hear of it, finish what they have in hand, and only then all ends."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]

RUN = """
import os, signal, subprocess, sys
helper = subprocess.Popen([sys.executable, "-c", "import signal; signal.sigwait([signal.SIGTERM, signal.SIGUSR1])"])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("begun", flush=True)
signal.sigtimedwait([signal.SIGTERM], 20) or print("nobody told me", flush=True)
print("the helper is", "alive" if helper.poll() is None else "gone", flush=True)
helper.send_signal(signal.SIGUSR1)
helper.wait()
print("given back", flush=True)
"""
"""A flow run, with a helper that it needs until it has given back what it holds."""

WORKER = f"""
import os, signal, subprocess, sys
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "Prefect's workers stop by SIGINT"
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
run = subprocess.Popen(
    [sys.executable, "-c", {RUN!r}], env={{**os.environ, "PREFECT__FLOW_RUN_ID": "17"}}, start_new_session=True
)
other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
signal.sigwait([signal.SIGTERM])
print("its run was", "killed" if run.poll() is None else "over", flush=True)
run.kill()
print("something else is", "alive" if other.poll() is None else "gone", flush=True)
other.kill()
other.wait()
"""
"""What a worker of Prefect's does: its runs have sessions of their own, and it kills them when it is stopped."""


@contextmanager
def running(worker: str) -> Iterator[subprocess.Popen[str]]:
    """Our program, over a worker of the test's."""
    program = f"import sys; from deployments.worker import main; sys.exit(main([sys.executable, '-c', {worker!r}]))"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_the_runs_of_a_worker_that_is_stopped_are_told_and_waited_for() -> None:
    with running(WORKER) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read().splitlines()
        assert process.wait(30) == 0
    assert said == ["the helper is alive", "given back", "its run was over", "something else is alive"]


def test_a_worker_that_ends_by_itself_ends_with_its_own_code() -> None:
    with running("import sys; sys.exit(3)") as process:
        assert process.wait(30) == 3


def test_the_python_of_a_worker_is_our_own_where_no_venv_is_activated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with running("import shutil; print(shutil.which('python'))") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == sys.executable
        assert process.wait(30) == 0
