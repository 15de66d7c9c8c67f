"""Prefect's share: the flow beside the same steps without it, over a line on which each reply takes 30 ms."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from time import monotonic

from deployments.local.prefect_api import prefect_api
from deployments.local.stack import Stack, local_stack
from deployments.local.temporary_home import temporary_home
from flows.tournament_fees import tournament_fees
from tasks.campaigns.options import CampaignOptions
from tasks.core.settings_source import load_settings
from tests.bench.findings import Findings, Goal
from tests.bench.growth import not_measured
from tests.bench.measuring import Announce, Sample, Spread, about, in_turns
from tests.bench.sinks import slow_sink
from tests.bench.slow_line import REPLY_MS
from tests.bench.stage import MOST, NO_MAIL
from tests.bench.whole import whole_campaign
from tests.support.big_club import BigClub
from tests.support.harness import open_pipeline
from tests.support.small_club import CUP

ROUNDS = {21: 5, 1000: 5, 20_000: 1}
"""By the number of recipients: one campaign of the largest takes minutes."""

FLOW, STEPS = "the flow", "the steps alone"


@dataclass(frozen=True)
class Staged:
    """A club, and a process for each way to run its campaigns."""

    stack: Stack
    given: dict[str, str]
    with_prefect: ProcessPoolExecutor
    without: ProcessPoolExecutor
    sequence: Iterator[int]

    def flow(self, recipients: int) -> Sample:
        """Run the flow, as a person does in a terminal."""
        began = monotonic()
        self.with_prefect.submit(run_flow, next(self.sequence)).result()
        return Sample(recipients, monotonic() - began)

    def steps(self, recipients: int) -> Sample:
        """Run the same steps."""
        began = monotonic()
        self.without.submit(whole_campaign, self.given, next(self.sequence)).result()
        return Sample(recipients, monotonic() - began)

    def task_runs(self) -> int:
        """How many task runs the last flow run had."""
        with prefect_api(self.stack.environment) as api:
            (run,) = (
                api.post("flow_runs/filter", json={"sort": "START_TIME_DESC", "limit": 1}).raise_for_status().json()
            )
            wanted = {"flow_runs": {"id": {"any_": [run["id"]]}}}
            return int(api.post("task_runs/count", json=wanted).raise_for_status().json())


def share(announce: Announce, most: int) -> Findings:
    """Measure whole campaigns by the number of recipients."""
    rows, figures, last = [], {}, 0.0
    largest, task_runs = 0, 0.0
    for recipients, rounds in ROUNDS.items():
        if recipients > most:
            break
        announce(f"setting up {recipients:,} recipients")
        with staged(recipients) as club:
            contestants: dict[str, Callable[[], Sample]] = {
                FLOW: partial(club.flow, recipients),
                STEPS: partial(club.steps, recipients),
            }
            samples = in_turns(contestants, about(f"{recipients:,} recipients", announce), rounds, warm_up=rounds > 1)
            largest, task_runs = recipients, 1000 * club.task_runs() / recipients
        seconds = {name: Spread.of([one.seconds for one in taken]) for name, taken in samples.items()}
        pairs = zip(samples[FLOW], samples[STEPS], strict=True)
        part = Spread.of([1 - steps.seconds / flow.seconds for flow, steps in pairs])
        last = part.median
        rows.append((f"{recipients:,}", *(str(seconds[name]) for name in contestants), str(part), f"{task_runs:.1f}"))
        figures[str(recipients)] = {name: [one.seconds for one in taken] for name, taken in samples.items()}
    goals = [
        Goal(f"Prefect's share of the time of {largest:,} recipients", last, at_most=0.10),
        Goal(f"task runs a thousand recipients, of {largest:,}", task_runs, at_most=30),
    ]
    columns = ("recipients", "seconds by the flow", "by the steps alone", "Prefect's share", "task runs a thousand")
    return Findings(
        "Prefect's share",
        columns,
        rows,
        goals,
        ["A campaign of twenty thousand is run once each way, without a warm-up.", *not_measured(ROUNDS, most)],
        figures,
    )


@contextmanager
def staged(families: int) -> Iterator[Staged]:
    """Set up a club of so many families on a stack with Prefect's server."""
    with ExitStack() as parts:
        home = parts.enter_context(temporary_home())
        stack = parts.enter_context(local_stack(home, given={}, progress=lambda _: None))
        stand_in = parts.enter_context(stack.stand_in())
        port = parts.enter_context(slow_sink(REPLY_MS))
        given = {**stack.environment, "SMTP_URL": f"smtp://127.0.0.1:{port}"}
        club = BigClub.on(parts.enter_context(open_pipeline(load_settings(given), stand_in, NO_MAIL)))
        club.made_by_the_club(club.people(families), (6, 1))
        club.refresh()
        club.sql("ANALYZE")
        parts.enter_context(environment(given))  # of the processes that follow: Prefect reads it when it is imported
        spawn = multiprocessing.get_context("spawn")
        with_prefect = parts.enter_context(ProcessPoolExecutor(1, spawn))
        without = parts.enter_context(ProcessPoolExecutor(1, spawn))
        for process in (with_prefect, without):
            process.submit(be_ready).result()
        yield Staged(stack, given, with_prefect, without, count(1))


@contextmanager
def environment(given: Mapping[str, str]) -> Iterator[None]:
    """Give what is started in the block these settings, Prefect's among them."""
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def be_ready() -> None:
    """Import all that a run needs: to name this function does."""


def run_flow(sequence: int) -> None:
    """Run the flow; raises where it did not complete."""
    state = tournament_fees(CUP, CampaignOptions(sequence=sequence, at_most=MOST), return_state=True)
    if not state.is_completed():
        raise RuntimeError(f"the flow run did not complete: {state.message}")
