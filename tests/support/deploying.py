"""Deploying to the server that the tests share, and making it again what it was."""

import subprocess
import sys
from typing import Any

from deployments.local.processes import inherited_environment
from tests.runs.test_operated import REPOSITORY
from tests.support.served import Served

OURS = {"daily", "every-15-minutes", "hourly", "hourly-by-day"}
"""The names of the schedules in deployments/prefect.yaml."""


def deploy(served: Served, **settings: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "deploy"],
        cwd=REPOSITORY,
        env={**inherited_environment(), **served.environment, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip()


def switch(served: Served, deployment: dict[str, Any], schedule: dict[str, Any], *, on: bool) -> None:
    """Switch a schedule on or off, as the UI does."""
    place = f"deployments/{deployment['id']}/schedules/{schedule['id']}"
    served.api.patch(place, json={"active": on}).raise_for_status()


def undo(served: Served) -> None:
    """Leave the server without alerts, without people's schedules, and its own ones off."""
    for automation in served.post("automations/filter", {}):
        if automation["name"] != "tournament-fees: lost runs":
            served.api.delete(f"automations/{automation['id']}").raise_for_status()
    for deployment in served.post("deployments/filter", {}):
        for schedule in deployment["schedules"]:
            if schedule["slug"] in OURS:
                switch(served, deployment, schedule, on=False)
            else:
                served.api.delete(f"deployments/{deployment['id']}/schedules/{schedule['id']}").raise_for_status()
