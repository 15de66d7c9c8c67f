"""`make serve` as a person has it in a terminal: what was done is kept, also when it is killed."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deployments.local.demo_club import TOURNAMENT
from deployments.local.kept_secrets import kept_secret
from deployments.local.prefect_api import prefect_api
from deployments.local.prefect_login import AT_ITS_CLIENTS
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.temporary_home import temporary_home
from tests.runs.test_demo import OURS, REPOSITORY, left_behind
from tests.support.served import DEPLOYMENT, FINAL

PRINTED = re.compile(r"^(Prefect|Stripe|Mail|Log in):?\s+(http://[\d.:]+(?:/\w{32}/)?|admin:\w+)", re.MULTILINE)


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home(in_memory=True) as folder:
        yield folder


@pytest.fixture
def shared_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's temporary folder, in which Prefect's worker of another user has left what we may not write to."""
    with temporary_home() as folder:
        folder.chmod(0o777)
        (folder / "runner_storage").touch()
        monkeypatch.setenv("TMPDIR", str(folder))
        yield


def serve(home: Path) -> tuple["subprocess.Popen[str]", dict[str, str]]:
    """Start it, and return the addresses and the login that it prints once all of it is ready."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    process = subprocess.Popen(
        [sys.executable, "-m", "deployments.local.serve"],
        cwd=REPOSITORY,
        env={**kept, "TOURNAMENT_FEES_HOME": str(home), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Ctrl-C stops it"):
            return process, dict(PRINTED.findall(said))
    raise AssertionError(said)


def api_of(printed: Mapping[str, str]) -> httpx.Client:
    return prefect_api({"PREFECT_API_URL": f"{printed['Prefect']}/api", AT_ITS_CLIENTS: printed["Log in"]})


def run(printed: Mapping[str, str]) -> str:
    """Trigger the campaign as the UI does, and return the run's last line."""
    with api_of(printed) as api:
        deployment = api.get(f"/deployments/name/{DEPLOYMENT}").raise_for_status().json()["id"]
        body = {"parameters": {"tournament": TOURNAMENT, "require_approval": False}, "state": {"type": "SCHEDULED"}}
        started = api.post(f"/deployments/{deployment}/create_flow_run", json=body).raise_for_status().json()["id"]
        while (state := api.get(f"/flow_runs/{started}").raise_for_status().json()["state"])["type"] not in FINAL:
            time.sleep(0.3)  # between two looks; asking all the time would keep the server from its work
        return str(state["message"])


def sessions(stripe: str, home: Path) -> list[dict[str, Any]]:
    """Return what the stand-in has."""
    with StandInControl(stripe, kept_secret(home / "serve", "stripe-control")) as stand_in:
        return stand_in.sessions()


RETRY = "retry-failed-sends/retry-failed-sends"


def switch(printed: Mapping[str, str]) -> None:
    """Do what a person does in the UI: switch a schedule on, pause a deployment, limit the work pool."""
    with api_of(printed) as api:
        retry = api.get(f"/deployments/name/{RETRY}").raise_for_status().json()
        place = f"/deployments/{retry['id']}/schedules/{retry['schedules'][0]['id']}"
        api.patch(place, json={"active": True}).raise_for_status()
        api.patch(f"/deployments/{retry['id']}", json={"paused": True}).raise_for_status()  # it is not to run in here
        api.patch("/work_pools/tournament-fees", json={"concurrency_limit": 3}).raise_for_status()


def switched(printed: Mapping[str, str]) -> tuple[list[bool], bool, int]:
    """Return what switch() has changed."""
    with api_of(printed) as api:
        retry = api.get(f"/deployments/name/{RETRY}").raise_for_status().json()
        pool = api.get("/work_pools/tournament-fees").raise_for_status().json()
        return [schedule["active"] for schedule in retry["schedules"]], retry["paused"], pool["concurrency_limit"]


@pytest.mark.usefixtures("shared_temporary_folder")
@pytest.mark.only_long
def test_what_was_done_is_kept_when_it_is_killed_and_started_again(home: Path) -> None:
    first, addresses = serve(home)
    assert run(addresses) == "23 sent, 9 skipped, 0 still to send"
    made = sessions(addresses["Stripe"], home)
    switch(addresses)
    first.kill()
    first.communicate()
    second, again = serve(home)
    try:
        assert again == addresses
        assert switched(again) == ([True], True, 3)
        assert run(again) == "0 sent, 9 skipped, 0 still to send"
        assert len(list((home / "serve" / "mail").glob("*.eml"))) == 23
        assert sessions(again["Stripe"], home) == made
        assert httpx.get(again["Mail"], trust_env=False).text.count('<details class="message"') == 23
        with api_of(again) as api:
            assert api.post("/flow_runs/count", json={}).json() == 2
    finally:
        psutil.Process(second.pid).terminate()
        said, _ = second.communicate()
    assert left_behind(home) == [], said
