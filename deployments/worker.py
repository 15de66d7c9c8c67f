"""Run a Prefect worker that stops well: its runs are told too, so that they give back what they have in hand.

A worker that is told to stop takes no more runs and waits for those at work, which nobody tells. Where it is stopped
from outside, by a container's runtime or a service manager, they would be killed with it once its grace is over.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

POOL = "tournament-fees"
WORKER = (sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--with-healthcheck")
IS_A_RUN = b"PREFECT__FLOW_RUN_ID="
PROCESSES = Path("/proc")


def main(command: Sequence[str] = WORKER) -> int:
    """Run a worker until it ends, or until SIGTERM or SIGINT; return its exit code, or 0 where it was stopped."""
    worker: subprocess.Popen[bytes] | None = None
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        if worker is not None:
            tell(worker, again=stopped)
        stopped = True

    # Not ignored until the worker is there: it would inherit that, and never stop.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)
    worker = subprocess.Popen(command, start_new_session=True)
    if stopped:
        tell(worker, again=False)
    code = worker.wait()
    return 0 if stopped else code


def tell(worker: "subprocess.Popen[bytes]", *, again: bool) -> None:
    """Tell a worker to take no more runs, once, since a second time kills it; and each of its runs to end."""
    if not again:
        worker.send_signal(signal.SIGTERM)
    for run in flow_runs_of(worker.pid):
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(run, signal.SIGTERM)


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


if __name__ == "__main__":
    sys.exit(main())
