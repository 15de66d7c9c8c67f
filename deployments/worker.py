"""Run a Prefect worker that stops well: its runs end first, having given back what they have in hand.

A worker of Prefect's that is told to stop kills its runs, and what they hold comes back only when its leases have
ended. Where a container's runtime or a service manager stops this one, the runs are told, and waited for, and then it.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tasks.core.errors import ConfigurationError

POOL = "tournament-fees"
WORKER = (sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--with-healthcheck")
RUN = "python -m prefect.engine"
"""What a worker starts for each run; `python` is the worker's own (python_first)."""
IS_A_RUN = b"PREFECT__FLOW_RUN_ID="
PROCESSES = Path("/proc")
LOOK_EVERY_SECONDS = 0.5
"""How soon a signal is noticed, and the end of a run."""


def main(command: Sequence[str] = WORKER) -> int:
    """Run a worker until it ends, or until SIGTERM or SIGINT; return its exit code, or 0 where it was stopped."""
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda _signal, _frame: stop.set())
    # Whoever signals a whole terminal means us.
    with subprocess.Popen(command, env={**os.environ, **python_first()}, start_new_session=True) as worker:
        told: set[int] = set()
        while worker.poll() is None:
            if stop.is_set() and not end_runs(worker, told):
                worker.terminate()
                worker.wait()
            with suppress(subprocess.TimeoutExpired):
                worker.wait(LOOK_EVERY_SECONDS)
    return 0 if stop.is_set() else worker.returncode


def python_first() -> dict[str, str]:
    """Return a PATH on which `python` is the program that runs us, also where no venv is activated."""
    return {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])}


def end_runs(worker: "subprocess.Popen[bytes]", told: set[int]) -> bool:
    """Tell each of a worker's runs once that it has to end, and say whether there are any."""
    runs = set(flow_runs_of(worker.pid))
    for run in runs - told:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(run, signal.SIGTERM)
    told |= runs
    return bool(runs)


def flow_runs_of(worker: int) -> Iterator[int]:
    """Yield the processes below a worker that execute a flow run, and no helpers of theirs."""
    parents = {int(folder.name): _parent(folder) for folder in PROCESSES.iterdir() if folder.name.isdecimal()}
    runs = {pid for pid in parents if _is_below(pid, worker, parents) and _executes_a_run(pid)}
    yield from (pid for pid in runs if parents[pid] not in runs)


def _is_below(pid: int, worker: int, parents: dict[int, int]) -> bool:
    above = parents.get(pid, 0)
    while above not in {0, worker}:
        above = parents.get(above, 0)
    return above == worker


def _parent(folder: Path) -> int:
    with suppress(OSError):
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _executes_a_run(pid: int) -> bool:
    with suppress(OSError):
        return any(line.startswith(IS_A_RUN) for line in (PROCESSES / str(pid) / "environ").read_bytes().split(b"\0"))
    return False


def check() -> None:
    """Raise a ConfigurationError where Prefect's server refuses us; one that does not answer yet is waited for."""
    import httpx  # noqa: PLC0415  all of these take their time
    from prefect.exceptions import PrefectHTTPStatusError  # noqa: PLC0415
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    from deployments.cli.output import check_let_in  # noqa: PLC0415

    if PREFECT_API_URL.value():
        with suppress(httpx.TransportError, PrefectHTTPStatusError):
            check_let_in()


if __name__ == "__main__":
    try:
        check()
    except ConfigurationError as error:
        sys.exit(f"Error: {error}")
    sys.exit(main())
