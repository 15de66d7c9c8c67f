"""What `make serve` serves, and the person who triggers flow runs there, as the tests see them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import httpx
import psutil
import psycopg
from psycopg import sql
from sqlalchemy import make_url

from deployments.local.demo_club import TOURNAMENT
from deployments.local.processes import Child
from deployments.local.stack import Stack
from deployments.local.stripe_standin.control import StandInControl
from tests.support.flow_process import FlowProcess
from tests.support.harness import Inbox

DEPLOYMENT = "tournament-fees/tournament-fees"
UNASKED = {"tournament": TOURNAMENT, "require_approval": False}
"""The parameters of a run that sends at once."""
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
LONG = 300
"""Seconds: more than a run of the demo club takes on a busy machine, less than anybody waits for a hanging test."""
POLL = 0.2
"""Seconds: the server and the runs under test want the processor too."""
NEVER = 3600.0
"""Seconds that no test lasts: what is held for so long is held until it is let go."""

T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """A flow run's state as Prefect has it."""

    type: str
    name: str
    message: str


@dataclass(frozen=True)
class FlowRun:
    """A flow run that was triggered."""

    id: str
    served: "Served"

    @property
    def state(self) -> State:
        """Its state now."""
        state = self.served.get(f"flow_runs/{self.id}")["state"]
        return State(state["type"], state["name"], state["message"] or "")

    def wait(self) -> State:
        """Wait for its end; return its last state."""
        return self.served.wait_until(lambda: state if (state := self.state).type in FINAL else None)

    def set_state(self, type_: str, *, force: bool = False) -> None:
        """Change its state, as the buttons of the UI do (Cancel: CANCELLING)."""
        self.served.post(f"flow_runs/{self.id}/set_state", {"state": {"type": type_}, "force": force})

    def retry(self) -> None:
        """Press Retry."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        self.served.post(f"flow_runs/{self.id}/set_state", {"state": state, "force": True})

    def task_runs(self) -> list[str]:
        """The names of its task runs."""
        found = self.served.post("task_runs/filter", {"flow_runs": {"id": {"any_": [self.id]}}})
        return [task_run["name"] for task_run in found]

    def artifacts(self, type_: str) -> list[dict[str, Any]]:
        """Its artifacts of a type, oldest first."""
        wanted = {"flow_run_id": {"any_": [self.id]}, "type": {"any_": [type_]}}
        found: list[dict[str, Any]] = self.served.post("artifacts/filter", {"artifacts": wanted})
        return sorted(found, key=lambda artifact: str(artifact["created"]))

    def log(self) -> list[str]:
        """What it has logged so far; lines may come a little late."""
        wanted = {"flow_run_id": {"any_": [self.id]}}
        found = self.served.post("logs/filter", {"logs": wanted, "limit": 200, "sort": "TIMESTAMP_ASC"})
        return [line["message"] for line in found]

    def process(self) -> psutil.Process | None:
        """Find the process that the worker started for it; None where there is none (any more)."""
        for process in psutil.Process(self.served.worker.process.pid).children(recursive=True):
            try:
                if process.environ().get("PREFECT__FLOW_RUN_ID") == self.id:
                    return process
            except psutil.Error:
                continue  # it has just ended
        return None


@dataclass(frozen=True)
class Served:
    """A running stack with a worker and the deployment, shared by the tests; they reset the club in it."""

    stack: Stack
    worker: Child
    api: httpx.Client
    stand_in: StandInControl
    flows: FlowProcess
    """Takes flow runs up as the worker does, but for the process that this starts for each."""
    runs: list[FlowRun] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings with which the worker runs flows: of the pipeline, and Prefect's address."""
        return self.stack.environment

    @property
    def inbox(self) -> Inbox:
        """All mail that was ever caught."""
        return Inbox(self.environment["SMTP_URL"], self.stack.mail_folder or Path())

    def trigger(
        self,
        tournament: str = TOURNAMENT,
        *,
        options: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        require_approval: bool = False,
    ) -> FlowRun:
        """Do what the button Run of the UI does; `environment` is its field for job variables.

        Raises httpx.HTTPStatusError where Prefect refuses the parameters.
        """
        parameters = {
            "tournament": tournament,
            "require_approval": require_approval,
            **({"options": options} if options else {}),
        }
        return self.start(DEPLOYMENT, parameters, environment=environment)

    def start(
        self, deployment: str, parameters: Mapping[str, object], *, environment: Mapping[str, str] | None = None
    ) -> FlowRun:
        """Do the same for any deployment, by the name `flow/deployment`."""
        return self._create(deployment, parameters, "SCHEDULED", environment or {})

    def perform(
        self, deployment: str, parameters: Mapping[str, object], *, environment: Mapping[str, str] | None = None
    ) -> FlowRun:
        """Start a run and see it to its end, without the worker: for tests of what a flow does, seconds faster."""
        run = self._create(deployment, parameters, "PENDING", environment or {})
        self.flows.take_up(run.id, environment or {})
        return run

    def _create(
        self, deployment: str, parameters: Mapping[str, object], state: str, environment: Mapping[str, str]
    ) -> FlowRun:
        found = self.get(f"deployments/name/{deployment}")
        answer = self.post(
            f"deployments/{found['id']}/create_flow_run",
            {
                "state": {"type": state, "message": "Run from the Prefect UI"},
                "parameters": dict(parameters),
                "job_variables": {"env": dict(environment)},
                "enforce_parameter_schema": True,
            },
        )
        run = FlowRun(answer["id"], self)
        self.runs.append(run)
        return run

    def wait_until(self, ready: Callable[[], T | None]) -> T:
        """Poll until `ready` returns something true; the worker's log is told where that does not come."""
        deadline = monotonic() + LONG

        def look() -> T | None:
            answer = ready()
            assert answer or monotonic() < deadline, f"not so after {LONG} s.{self.worker.last_words()}"
            return answer

        return self.worker.wait_until(look, every=POLL, tell_after=LONG)

    def end_runs(self) -> None:
        """End what a failed test has left running, so that it does not mail into the next one."""
        for run in self.runs:
            if run.state.type not in FINAL:
                run.set_state("CANCELLED", force=True)
            if process := run.process():
                process.kill()
        self.runs.clear()

    def renew_database(self) -> None:
        """Give the club an empty database at the same address."""
        url = make_url(self.environment["DATABASE_URL"])
        admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        name = sql.Identifier(url.database or "")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))

    def get(self, path: str) -> Any:  # noqa: ANN401  Prefect's JSON
        """Ask Prefect's API."""
        return self.api.get(path).raise_for_status().json()

    def post(self, path: str, body: Mapping[str, object] | Sequence[object]) -> Any:  # noqa: ANN401  Prefect's JSON
        """Tell Prefect's API."""
        return self.api.post(path, json=body).raise_for_status().json()
