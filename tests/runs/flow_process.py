"""A process that runs the flow with settings of its own: a worker's are the same for all its runs."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from deployments.local.processes import inherited_environment

RunFlow = Callable[[str, Mapping[str, str]], str]
"""Runs the flow for a tournament, with these settings changed; returns the flow run's id."""


@contextmanager
def flow_process(environment: Mapping[str, str]) -> Iterator[RunFlow]:
    """Start a process with these settings and Prefect's server among them; it runs flows one after the other."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=_prepare, initargs=(dict(environment),)) as process:
        yield lambda tournament, changed: process.submit(_run, tournament, dict(changed)).result()


def _prepare(environment: Mapping[str, str]) -> None:
    kept = inherited_environment()
    os.environ.clear()
    os.environ.update({**kept, **environment})


def _run(tournament: str, changed: Mapping[str, str]) -> str:
    from flows.tournament_fees import tournament_fees  # noqa: PLC0415  Prefect reads its settings when imported

    before = dict(os.environ)
    os.environ.update(changed)
    try:
        state = tournament_fees(tournament, return_state=True)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return str(state.state_details.flow_run_id)
