"""What runs elsewhere, read as the programs there would: it is hardened, and names only what there is."""

import importlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import prefect.settings
import pytest
import yaml  # type: ignore[import-untyped] # Prefect brings it
from prefect.utilities.templating import apply_values
from typer.main import get_command

from deployments.cli.__main__ import app
from deployments.worker import POOL, WORKER
from tasks.core.settings import Settings

DEPLOYMENTS = Path(__file__).parents[3] / "deployments"
DOCKERFILE = (DEPLOYMENTS / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text(encoding="utf-8"))
SERVER = yaml.safe_load((DEPLOYMENTS / "kubernetes" / "server-values.yaml").read_text(encoding="utf-8"))
LOGIN = {"name": "tournament-fees-settings", "key": "PREFECT_API_AUTH_STRING"}
VALUES = yaml.safe_load((DEPLOYMENTS / "kubernetes" / "worker-values.yaml").read_text(encoding="utf-8"))["worker"]
TEMPLATE = json.loads((DEPLOYMENTS / "kubernetes" / "job-template.json").read_text(encoding="utf-8"))
MANIFESTS = list(yaml.safe_load_all((DEPLOYMENTS / "kubernetes" / "deploy.yaml").read_text(encoding="utf-8")))
(JOB,) = [one for one in MANIFESTS if one["kind"] == "Job"]
PODS = {
    "the job of a run": TEMPLATE["job_configuration"]["job_manifest"]["spec"]["template"]["spec"],
    "the job that deploys": JOB["spec"]["template"]["spec"],
    "the worker": {
        "securityContext": VALUES["podSecurityContext"],
        "containers": [{"securityContext": VALUES["containerSecurityContext"], "resources": VALUES["resources"]}],
    },
}
OF_THE_IMAGE = {"PATH", "HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "DO_NOT_TRACK"}
OF_POSTGRES = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
SECRET = re.compile(r"(sk|rk)_(live|test)_\w|password\s*[=:]\s*\w", re.IGNORECASE)


@pytest.fixture(scope="module")
def kubernetes() -> ModuleType:
    """Prefect's worker for Kubernetes, which takes long to load: whoever collects tests need not wait for it."""
    worker: ModuleType = importlib.import_module("prefect_kubernetes.worker")
    return worker


def services() -> Mapping[str, Any]:
    found: Mapping[str, Any] = COMPOSE["services"]
    return found


def instructions(name: str) -> list[str]:
    """The Dockerfile's instructions of a kind, each in one line."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix(f"{name} ").strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def commands() -> Iterator[str]:
    """Every command line that a container runs."""
    yield " ".join(json.loads(instructions("CMD")[-1]))
    for service in services().values():
        yield " ".join(service.get("command", []))
    for pod in PODS.values():
        yield " ".join(part for container in pod["containers"] for part in container.get("command", []))


def test_every_service_is_without_rights_and_cannot_write_to_its_image() -> None:
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert int(service["user"].split(":")[0]) > 0, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["restart"], name
        assert any(mount.startswith("/tmp") for mount in service["tmpfs"]), name  # noqa: S108  a mount's name


def test_every_pod_is_without_rights_and_cannot_write_to_its_image() -> None:
    for name, pod in PODS.items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False), name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"].keys() >= {"requests", "limits"}, name


def test_the_image_runs_as_a_fixed_user_who_owns_the_previews() -> None:
    (user,) = instructions("USER")
    assert user == services()["worker"]["user"] == "10001:10001"
    assert PODS["the job of a run"]["securityContext"]["runAsUser"] == 10001
    assert f"--uid {user.partition(':')[0]}" in DOCKERFILE
    (folder,) = json.loads(instructions("VOLUME")[0])
    assert services()["worker"]["volumes"] == [f"previews:{folder}"]
    mounted = PODS["the job of a run"]["containers"][0]["volumeMounts"]
    assert {mount["mountPath"] for mount in mounted} == {"/tmp", folder}  # noqa: S108  a mount's name


def test_the_image_is_made_from_the_lock_by_the_makefiles_uv() -> None:
    makefile = (DEPLOYMENTS.parent / "Makefile").read_text(encoding="utf-8")
    (pinned,) = re.findall(r"'uv==([\d.]+)'", makefile)
    assert f"uv=={pinned}" in DOCKERFILE
    assert "uv sync --frozen --no-default-groups" in DOCKERFILE
    copied = {source for line in instructions("COPY") for source in line.split()[:-1] if not source.startswith("--")}
    assert copied - {"/app/.venv"} == {"pyproject.toml", "uv.lock", "flows", "tasks", "sql", "templates", "deployments"}
    for source in copied - {"/app/.venv"}:
        assert (DEPLOYMENTS.parent / source).exists()
        assert f"!{source}" in (DEPLOYMENTS.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_no_secret_is_in_what_is_deployed() -> None:
    for file in (*DEPLOYMENTS.glob("kubernetes/*"), DEPLOYMENTS / "compose.yaml", DEPLOYMENTS / "Dockerfile"):
        assert SECRET.search(file.read_text(encoding="utf-8")) is None, file
    ignored = (DEPLOYMENTS.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert "**/.env*" in ignored


def test_what_is_run_is_there() -> None:
    """Each verb is one of deployments.cli's, and each module can be started."""
    verbs = {verb for line in commands() for verb in re.findall(r"-m deployments\.cli (\S+)", line)}
    assert verbs == {"migrate", "deploy"}
    assert verbs <= set(get_command(app).list_commands(None))  # type: ignore[attr-defined] # a group
    assert {module for line in commands() for module in re.findall(r"-m (\S+)", line)} == {
        "deployments.cli",
        "deployments.worker",
    }


def test_every_variable_is_a_setting_of_ours_or_of_prefects() -> None:
    stage = DOCKERFILE.replace("\\\n", " ").rpartition("\nFROM ")[2]
    (variables,) = [line for line in stage.splitlines() if line.startswith("ENV ")]
    named = set(re.findall(r"(\w+)=", variables)) - OF_THE_IMAGE
    for service in services().values():
        named |= set(service.get("environment", {})) - OF_POSTGRES
    named |= {one["name"] for one in SERVER["global"]["prefect"]["env"]}
    for pod in PODS.values():
        named |= {one["name"] for one in pod["containers"][0].get("env", []) if isinstance(one, dict)}
    ours = {name.upper() for name in Settings.model_fields}
    assert named >= {"PREFECT_API_URL", "PREVIEW_FOLDER"}
    assert [name for name in named - ours if getattr(prefect.settings, name, None) is None] == []


def test_prefects_server_is_closed_wherever_it_runs() -> None:
    compose = services()["prefect-server"]["environment"]
    chart = {one["name"]: one for one in SERVER["global"]["prefect"]["env"]}
    assert compose["PREFECT_SERVER_API_AUTH_STRING"].startswith("${PREFECT_API_AUTH_STRING:?"), "it starts without one"
    assert chart["PREFECT_SERVER_API_AUTH_STRING"]["valueFrom"]["secretKeyRef"] == LOGIN
    for given in (compose, {name: one.get("value") for name, one in chart.items()}):
        assert given["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"
        assert "*" not in given["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"]
        assert "http://127.0.0.1:4200" in given["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"]
    assert [port.partition(":")[0] for port in services()["prefect-server"]["ports"]] == ["127.0.0.1"]


def test_prefects_database_is_none_with_a_password_that_everybody_knows() -> None:
    assert SERVER["postgresql"] == {"enabled": False}
    assert SERVER["externalDatabase"]["existingSecret"] not in {None, "", LOGIN["name"]}, "jobs read that one"


def test_all_that_talk_to_prefect_are_let_in() -> None:
    for name, service in services().items():
        environment = service.get("environment", {})
        if "PREFECT_API_URL" in environment:
            assert environment["PREFECT_API_AUTH_STRING"].startswith("${PREFECT_API_AUTH_STRING:?"), name
    worker = {one["name"]: one for one in VALUES["extraEnvVars"]}
    (of_the_template,) = VALUES["initContainer"]["extraEnvVars"]  # a 401 is no pool to the chart
    for one in (worker["PREFECT_API_AUTH_STRING"], of_the_template):
        assert one["valueFrom"]["secretKeyRef"] == LOGIN
    assert LOGIN["name"] == TEMPLATE["variables"]["properties"]["settings_secret"]["default"]
    assert JOB["spec"]["template"]["spec"]["containers"][0]["envFrom"] == [{"secretRef": {"name": LOGIN["name"]}}]


@pytest.mark.usefixtures("kubernetes")
def test_a_jobs_manifest_names_the_login_and_does_not_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in VALUES["extraEnvVars"]:
        monkeypatch.setenv(one["name"], one.get("value", "admin:of the Secret"))
    kept = importlib.import_module("prefect_kubernetes.settings").KubernetesSettings().worker
    assert {"name": kept.api_auth_string_secret_name, "key": kept.api_auth_string_secret_key} == LOGIN


def test_every_variable_that_compose_asks_for_is_told_of() -> None:
    compose = (DEPLOYMENTS / "compose.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{(\w+)", compose))
    assert asked
    for page in (DEPLOYMENTS / "README.md", DEPLOYMENTS.parent / ".env.example"):
        assert [name for name in asked if name not in page.read_text(encoding="utf-8")] == []


def test_what_starts_waits_for_what_it_needs() -> None:
    assert services()["worker"]["depends_on"] == {
        "prefect-server": {"condition": "service_healthy"},
        "deploy": {"condition": "service_completed_successfully"},
    }
    for name in ("postgres", "prefect-server"):
        assert services()[name]["healthcheck"]["test"]
    assert services()["deploy"]["depends_on"] == {"prefect-server": {"condition": "service_healthy"}}
    assert services()["deploy"]["healthcheck"] == {"disable": True}, "the image's asks a worker"
    assert services()["worker"]["deploy"]["replicas"] > 1


def test_the_health_check_asks_what_the_worker_serves() -> None:
    assert "--with-healthcheck" in WORKER
    port = prefect.settings.PREFECT_WORKER_WEBSERVER_PORT.value()
    (check,) = [line for line in DOCKERFILE.replace("\\\n", " ").splitlines() if line.startswith("HEALTHCHECK")]
    assert f"http://127.0.0.1:{port}/health" in check
    assert "deployments.worker" in instructions("CMD")[-1]


def test_who_is_stopped_has_the_time_to_give_back_what_is_in_hand() -> None:
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert services()["worker"]["stop_grace_period"] == "2m"
    assert PODS["the job of a run"]["terminationGracePeriodSeconds"] == 120
    assert services()["worker"]["init"] is True


def test_the_workers_are_of_the_pool_that_is_deployed_to(kubernetes: ModuleType) -> None:
    assert VALUES["config"]["workPool"] == POOL
    assert VALUES["config"]["type"] == kubernetes.KubernetesWorker.type
    version = prefect.__version__
    for tag in (VALUES["image"]["prefectTag"], SERVER["global"]["prefect"]["image"]["prefectTag"]):
        assert tag.startswith(f"{version}-"), "of another version than uv.lock's"


def test_prefects_own_worker_makes_a_job_of_our_template(kubernetes: ModuleType) -> None:
    variables = TEMPLATE["variables"]["properties"].items()
    chosen = {name: variable["default"] for name, variable in variables if variable.get("default") is not None}
    chosen |= {"command": "prefect flow-run execute", "env": {"A": "b"}, "settings_secret": "another"}
    values = apply_values(TEMPLATE["job_configuration"], chosen)
    made = kubernetes.KubernetesWorkerJobConfiguration(**values)
    (container,) = made.job_manifest["spec"]["template"]["spec"]["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "another"}}]
    assert container["image"] == chosen["image"]
    assert made.job_manifest["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
    assert "{{" not in json.dumps(made.job_manifest)


def test_our_template_has_all_that_prefects_own_has(kubernetes: ModuleType) -> None:
    own = kubernetes.KubernetesWorker.get_default_base_job_template()
    assert set(own["variables"]["properties"]) <= set(TEMPLATE["variables"]["properties"])
    assert set(own["job_configuration"]) == set(TEMPLATE["job_configuration"])
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(TEMPLATE["job_configuration"])))
    assert used == set(TEMPLATE["variables"]["properties"])


def test_the_images_are_named_alike_everywhere() -> None:
    in_job = JOB["spec"]["template"]["spec"]["containers"][0]["image"]
    assert in_job == TEMPLATE["variables"]["properties"]["image"]["default"]
    project = tomllib.loads((DEPLOYMENTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert in_job.endswith(f":{project['version']}")
