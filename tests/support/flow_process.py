"""A process that runs flows with settings of its own: a worker's are the same for all its runs."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

from typer.testing import CliRunner

from deployments.local.processes import inherited_environment


@dataclass(frozen=True)
class FlowProcess:
    """Runs flows one after the other. Prefect is loaded once, which is most of what a run of ours takes."""

    process: ProcessPoolExecutor

    def run(self, tournament: str, changed: Mapping[str, str]) -> str:
        """Run the campaign of a tournament as a program would, with these settings; return the flow run's id."""
        return self.process.submit(_run, tournament, dict(changed)).result()

    def take_up(self, flow_run_id: str, changed: Mapping[str, str]) -> None:
        """Do what a worker's new process does with a flow run of a deployment, with these settings."""
        self.process.submit(_take_up, flow_run_id, dict(changed)).result()

    def verb(self, *arguments: str, **changed: str) -> tuple[int, str]:
        """Do what a verb for a terminal does, with these settings; return its exit code and its words."""
        return self.process.submit(_verb, arguments, changed).result()


@contextmanager
def flow_process(environment: Mapping[str, str], log: Path) -> Iterator[FlowProcess]:
    """Start it with these settings, Prefect's server among them; `log` gets what it prints."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=_prepare, initargs=(dict(environment), log)) as process:
        yield FlowProcess(process)


def _prepare(environment: Mapping[str, str], log: Path) -> None:
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    kept = inherited_environment()
    os.environ.clear()
    os.environ.update({**kept, **environment})


def _run(tournament: str, changed: Mapping[str, str]) -> str:
    from flows.tournament_fees import tournament_fees  # noqa: PLC0415  Prefect reads its settings when imported

    with _settings(changed):
        state = tournament_fees(tournament, return_state=True)
    return str(state.state_details.flow_run_id)


def _take_up(flow_run_id: str, changed: Mapping[str, str]) -> None:
    from prefect.flow_engine import load_flow_and_flow_run, run_flow  # noqa: PLC0415  as above

    with _settings(changed):
        flow_run, flow = load_flow_and_flow_run(UUID(flow_run_id))
        run_flow(flow, flow_run=flow_run, return_type="state")


def _verb(arguments: tuple[str, ...], changed: Mapping[str, str]) -> tuple[int, str]:
    from deployments.cli.__main__ import app  # noqa: PLC0415  as above

    with _settings(changed):
        done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.output


@contextmanager
def _settings(changed: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changed)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
