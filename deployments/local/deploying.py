"""Deploy the flows, and leave what a person has switched in the Prefect UI as it is."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import httpx

from deployments.local.home import REPOSITORY
from deployments.local.processes import ChildFailedError, inherited_environment

POOL = "tournament-fees"
PREFECT_FILE = "deployments/prefect.yaml"


def deploy(prefect_url: str, environment: Mapping[str, str]) -> None:
    """Make the work pool unless it is there, and bring the deployments up to date.

    Prefect replaces the schedules of a deployment that it has already, and takes it up again where it was paused: both
    are put back as they were.
    """
    with httpx.Client(base_url=f"{prefect_url}/api", trust_env=False, timeout=60) as api:
        if api.get(f"/work_pools/{POOL}").status_code == httpx.codes.NOT_FOUND:
            _prefect(environment, "work-pool", "create", POOL, "--type", "process")
        before = {found["id"]: found for found in _deployments(api)}
        _prefect(environment, "deploy", "--all", "--prefect-file", PREFECT_FILE)
        for now in _deployments(api):
            if now["id"] in before:
                _put_back(api, before[now["id"]], now)


def _deployments(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.post("/deployments/filter", json={}).raise_for_status().json()
    return found


def _put_back(api: httpx.Client, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    place = f"/deployments/{now['id']}"
    for schedule in now["schedules"]:
        api.delete(f"{place}/schedules/{schedule['id']}").raise_for_status()
    fields = ("schedule", "active", "parameters", "slug")
    kept = [{field: schedule[field] for field in fields if field in schedule} for schedule in before["schedules"]]
    if kept:
        api.post(f"{place}/schedules", json=kept).raise_for_status()
    if before["paused"] != now["paused"]:
        api.patch(place, json={"paused": before["paused"]}).raise_for_status()


def _prefect(environment: Mapping[str, str], *arguments: str) -> None:
    """Run a command of Prefect's; its words are shown only where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=REPOSITORY,
        env={**inherited_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ChildFailedError(f"`prefect {' '.join(arguments)}` failed: {done.stdout}{done.stderr}".strip())
