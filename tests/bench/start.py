"""Starts: the demo from its command to its end, and a flow run from the click to the first mail."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from time import monotonic, sleep

from deployments.local.home import REPOSITORY
from deployments.local.mail_catcher.mailbox import numbers
from deployments.local.prefect_api import prefect_api
from deployments.local.serve import served as serve
from deployments.local.temporary_home import temporary_home
from tests.bench.findings import Findings
from tests.bench.measuring import Announce, Sample, Spread, in_turns
from tests.support.flow_process import flow_process
from tests.support.served import Served

LOOK_SECONDS = 0.02
MESSAGES = 23
"""That a campaign of the demo club sends, and another one again; from the second on, links are live that it renewed."""

DEMO, FIRST, ALL = "make demo, when installed", "a run: click to first mail", "a run: click to its end"


def starts(announce: Announce) -> Findings:
    """Measure the seconds that people wait."""
    with served() as stack:
        sequence = count(1)
        contestants: dict[str, Callable[[], Sample]] = {
            DEMO: demo,
            FIRST: partial(first_mail, stack, sequence),
            ALL: partial(whole_run, stack, sequence),
        }
        samples = in_turns(contestants, announce)
    rows = [(name, str(Spread.of([one.seconds for one in taken]))) for name, taken in samples.items()]
    remark = "Two seconds of a click's are the worker's, which asks for runs as often (`make serve`)."
    figures = {name: [one.seconds for one in taken] for name, taken in samples.items()}
    return Findings("Starts", (f"the demo club, {MESSAGES} messages", "seconds"), rows, (), [remark], figures)


def demo() -> Sample:
    """Run the demo."""
    began = monotonic()
    subprocess.run(
        [sys.executable, "-m", "deployments.local.demo"], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL
    )
    return Sample(1, monotonic() - began)


def first_mail(stack: Served, sequence: Iterator[int]) -> Sample:
    """Trigger a run, and wait for the first mail of it."""
    before, began = max(numbers(stack.inbox.folder), default=0), monotonic()
    run = stack.trigger(options={"sequence": next(sequence)})
    while max(numbers(stack.inbox.folder), default=0) == before:
        sleep(LOOK_SECONDS)
    sample = Sample(1, monotonic() - began)
    run.wait()
    return sample


def whole_run(stack: Served, sequence: Iterator[int]) -> Sample:
    """Trigger a run, and wait for its end; raises where it did not mail them all."""
    before, began = max(numbers(stack.inbox.folder), default=0), monotonic()
    stack.trigger(options={"sequence": next(sequence)}).wait()
    sample = Sample(1, monotonic() - began)
    mailed = sum(number > before for number in numbers(stack.inbox.folder))
    if mailed != MESSAGES:
        raise RuntimeError(f"{mailed} of {MESSAGES} messages were sent")
    return sample


@contextmanager
def served() -> Iterator[Served]:
    """Serve the demo club as `make serve` does, in a home of its own."""
    with (
        temporary_home() as home,
        serve(home, {}, lambda _: None) as (stack, worker),
        prefect_api(stack.environment) as api,
        stack.stand_in() as stand_in,
        flow_process(stack.environment, stack.home / "logs" / "flows.log") as flows,
    ):
        yield Served(stack, worker, api, stand_in, flows)
