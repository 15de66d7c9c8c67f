"""A clock that is set anew while a child runs: it is known by what that does not move."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deployments.local.home import REPOSITORY
from deployments.local.process_tree import ProcessRecord

STAT = Path("/proc/stat")
MINUTES = 300

STEPPED = f"""
import re, subprocess, sys
from pathlib import Path
import psutil
from deployments.local.process_tree import ProcessRecord, stop_left
from deployments.local.processes import child_processes

home = Path(sys.argv[1])
# Programs that stay until they are ended, which is what this is about.
SLEEPER = "import time; print('listening on here', flush=True); time.sleep(600)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {{SLEEPER!r}}]).wait()"

def step(seconds):
    stat = re.sub(r"btime (\\d+)", lambda found: f"btime {{int(found[1]) + seconds}}", Path("/proc/stat").read_text())
    (home / "stat").write_text(stat)
    subprocess.run(["mount", "--bind", home / "stat", "/proc/stat"], check=True)

with child_processes(home) as children:
    child = children.start("parent", [sys.executable, "-c", PARENT])
    child.wait_until(child.listening_on)
    before = psutil.Process(child.process.pid).create_time()
    below = psutil.Process(child.process.pid).children()
    stray = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
    (home / "left").mkdir()
    ProcessRecord.of(stray.pid).write(home / "left" / "stray.json")
    step({MINUTES})
    assert psutil.Process(child.process.pid).create_time() == before + {MINUTES}, "the clock has not been set"
    child.stop()
    stop_left(home / "left", "nobody's mark")
left = [process.pid for process in below if process.is_running() and process.status() != "zombie"]
print(child.process.returncode, len(below), left, stray.poll())
stray.kill()
"""
"""Linux keeps starts in ticks, and the machine's own by the clock: that alone moves, and here for this program only."""


def may_set_a_clock() -> bool:
    """Return True if what a program sees of the clock can be set for it alone."""
    if not STAT.exists() or shutil.which("unshare") is None:
        return False
    command = ["unshare", "--mount", "mount", "--bind", str(STAT), str(STAT)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not may_set_a_clock(), reason="needs root on Linux, to set a clock for one program")
def test_children_and_those_on_record_are_stopped_though_the_clock_was_set_by_minutes(home: Path) -> None:
    command = ["unshare", "--mount", sys.executable, "-c", STEPPED, str(home)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=240)
    assert done.stdout == "-15 1 [] -15\n", done.stderr


@pytest.mark.skipif(not STAT.exists(), reason="not Linux")
def test_a_record_has_the_ticks_and_the_machines_start() -> None:
    ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    record = ProcessRecord.of(os.getpid())
    assert record.began == int(ticks) / os.sysconf("SC_CLK_TCK")
    assert record.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert record.process() == psutil.Process()
