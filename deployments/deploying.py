"""Makes Prefect's server know all that is ours: work pool, deployments with their schedules, automations."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # Prefect brings it
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker
from pydantic import SecretStr

from deployments.automations import set_up_automations
from deployments.worker import POOL, RUN
from tasks.core.errors import ConfigurationError
from tasks.core.settings import ScheduleSettings

ROOT = Path(__file__).parents[1]
PREFECT_FILE = "deployments/prefect.yaml"


def deploy(settings: ScheduleSettings) -> None:
    """Make or update everything; safe to repeat. What a person has switched, paused or added in the UI stays so.

    Raises a ConfigurationError, with Prefect's own words, where it refuses.
    """
    check_alert_url(settings.alert_url)
    with get_client(sync_client=True) as client:
        before = {name: found for name in deployment_names() if (found := find(client, name))}
        hours = {"CLUB_TIME_ZONE": settings.club_time_zone, "REMINDER_HOUR": str(settings.reminder_hour)}
        root = {"TOURNAMENT_FEES_ROOT": os.environ.get("TOURNAMENT_FEES_ROOT") or str(ROOT)}
        if POOL not in {pool.name for pool in client.read_work_pools()}:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=_job_template()))
        _prefect_deploy(hours | root)
        deployed = {name: found for name in deployment_names() if (found := find(client, name))}
        for name, deployment in deployed.items():
            _take_no_other(client, deployment)
            if name in before:
                _put_back(client, before[name], deployment)
        set_up_automations(client, settings.alert_url)


def deployment_names() -> list[str]:
    """Return the names of the deployments, which are those of their flows."""
    described = yaml.safe_load((ROOT / PREFECT_FILE).read_text(encoding="utf-8"))
    return [str(deployment["name"]) for deployment in described["deployments"]]


def find(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    """Return one of our deployments as Prefect's server has it now; None where it is not there."""
    try:
        return client.read_deployment_by_name(f"{name}/{name}")
    except ObjectNotFound:
        return None


def check_alert_url(url: SecretStr | None) -> None:
    """Raise a ConfigurationError unless Apprise knows what kind of address it is."""
    from apprise import Apprise  # noqa: PLC0415  it loads a hundred services
    from apprise.logger import logger  # noqa: PLC0415  as above

    logger.disabled = True  # it repeats the address, with the secrets in it
    if url is not None and not Apprise().add(url.get_secret_value()):
        raise ConfigurationError(
            "ALERT_URL is no address that Apprise knows, such as mailto://user:password@example.org or slack://…"
        )


def _take_no_other(client: SyncPrefectClient, deployment: DeploymentResponse) -> None:
    """Let Prefect's server refuse parameters that a flow does not have, and say which it has: it would take any name.

    Its client has no way to say so, and nor has `prefect deploy`.
    """
    schema = deployment.parameter_openapi_schema or {}
    parameters = schema.get("properties", {})
    names = sorted(parameters, key=lambda name: int(parameters[name]["position"]))  # Prefect keeps no other order
    closed = {**schema, "propertyNames": {"enum": names}}
    place = {"id": str(deployment.id)}
    client.request("PATCH", "/deployments/{id}", path_params=place, json={"parameter_openapi_schema": closed})


def _put_back(client: SyncPrefectClient, before: DeploymentResponse, now: DeploymentResponse) -> None:
    """Undo what `prefect deploy` does to what a person has set: it switches all off and drops what it does not know."""
    for old in before.schedules:
        same = [new for new in now.schedules if _is_same(old, new)]
        if not same:
            kept = old.model_dump(include={"active", "max_scheduled_runs", "parameters", "slug"})
            client.create_deployment_schedules(now.id, [DeploymentScheduleCreate(schedule=old.schedule, **kept)])
        elif old.active and not same[0].active:
            client.update_deployment_schedule(now.id, same[0].id, active=True)
    if before.paused and not now.paused:
        client.pause_deployment(now.id)


def _is_same(old: DeploymentSchedule, new: DeploymentSchedule) -> bool:
    """Return True if a schedule is that of before: by its name, which ours have, or because it was left alone."""
    return new.id == old.id or (old.slug is not None and new.slug == old.slug)


def _job_template() -> dict[str, Any]:
    """Return Prefect's own template for runs as processes, whose command starts the flow itself.

    Without one, Prefect first starts a process that prepares a checkout, which we do not need, and then loads all anew.
    """
    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = RUN
    return template


def _prefect_deploy(environment: Mapping[str, str]) -> None:
    """Let Prefect deploy what its file says; its words are told only where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", PREFECT_FILE],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = " ".join(f"{done.stdout}\n{done.stderr}".split())
        raise ConfigurationError(f"`prefect deploy` failed: {words[-500:]}")
