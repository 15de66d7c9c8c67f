"""Examines everything that the pipeline stands on, Prefect included, and says in a line each how it is."""

from collections.abc import Iterator

from packaging.version import Version
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from deployments.access import answers, check_access
from deployments.cli.output import check_prefect
from deployments.deploying import deployment_names, find
from deployments.worker import POOL
from tasks.core.errors import ConfigurationError
from tasks.core.settings_source import env_file, load_settings
from tasks.operations.health_checks import Finding, run_health_checks
from tasks.services import open_services


def all_findings() -> Iterator[Finding]:
    """Look at everything; where the settings are wrong, at what can be looked at without them."""
    yield from _settings_file()
    try:
        settings = load_settings()
    except ConfigurationError as error:
        yield from (Finding("settings", well=False, said=problem) for problem in str(error).split("; "))
    else:
        yield Finding("settings", well=True, said="all that are needed are there and make sense")
        with open_services(settings) as services:
            yield from run_health_checks(services)
    yield from check_server()


def _settings_file() -> Iterator[Finding]:
    file = env_file()
    if file and file.stat().st_mode & 0o077:
        said = f"{file} can be read by other users of this machine, and it has every key: chmod 600 {file}"
        yield Finding("settings file", well=False, said=said)


def check_server() -> Iterator[Finding]:
    """Look at Prefect's server: that it answers, has our version, our deployments and a worker for them."""
    url = (PREFECT_API_URL.value() or "").rstrip("/")
    try:
        check_prefect()
    except ConfigurationError as error:
        yield Finding("Prefect", well=False, said=str(error))
        if answers(url):  # who else gets in can be seen without getting in
            yield from check_access(url)
        return
    yield Finding("Prefect", well=True, said=f"its server answers at {url}")
    yield from check_access(url)
    with get_client(sync_client=True) as client:
        yield _version(client)
        yield _deployments(client)
        yield _workers(client)


def _version(client: SyncPrefectClient) -> Finding:
    server, ours = client.api_version(), client.client_version()
    if Version(server).release[:2] < Version(ours).release[:2] or Version(server).major != Version(ours).major:
        mend = f"the server is {server}, this is {ours}: upgrade the server, or install the version of uv.lock here"
        return Finding("Prefect version", well=False, said=mend)
    return Finding("Prefect version", well=True, said=f"the server is {server}, this is {ours}")


def _deployments(client: SyncPrefectClient) -> Finding:
    names = deployment_names()
    missing = [name for name in names if not find(client, name)]
    if missing:
        said = f"not deployed: {', '.join(missing)}: run `python -m deployments.cli deploy`"
        return Finding("deployments", well=False, said=said)
    return Finding("deployments", well=True, said=f"all {len(names)} are there")


def _workers(client: SyncPrefectClient) -> Finding:
    if POOL not in {pool.name for pool in client.read_work_pools()}:
        said = f"there is no work pool {POOL}: run `python -m deployments.cli deploy`"
        return Finding("workers", well=False, said=said)
    workers = client.read_workers_for_work_pool(POOL)
    online = [worker for worker in workers if str(worker.status).upper().endswith("ONLINE")]
    if not online:
        said = "no worker is at work: start one with `python -m deployments.worker`, else no run begins"
        return Finding("workers", well=False, said=said)
    return Finding("workers", well=True, said=f"{len(online)} at work")
