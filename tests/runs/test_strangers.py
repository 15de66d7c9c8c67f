"""Who has no secret gets nothing from Prefect's server and starts nothing there, whatever they call themselves."""

import stat
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import APIWebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from deployments.local.kept_secrets import secret_file
from deployments.local.prefect_login import AT_ITS_CLIENTS, AT_THE_SERVER
from tests.integration.local.onlookers import open_to_others
from tests.support.served import Served
from tests.support.strangers import FOREIGN, NO_ONE, STRANGERS, answered, known_calls
from tests.support.verbs import run_verb

SOCKETS = (
    "/events/in",
    "/events/out",
    "/logs/out",
    "/task_runs/subscriptions/scheduled",
    "/work_pools/{work_pool_name}/workers/connect",
)


@pytest.fixture(scope="module")
def stranger(serving: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serving.environment["PREFECT_API_URL"], trust_env=False, timeout=60) as client:
        yield client


@pytest.mark.parametrize("headers", STRANGERS.values(), ids=STRANGERS)
def test_every_call_is_refused_but_for_the_servers_health(serving: Served, headers: dict[str, str]) -> None:
    calls = known_calls(serving.api)
    assert len(calls) > 150
    assert answered(serving.environment["PREFECT_API_URL"], calls, headers) == {}


def test_a_page_of_another_origin_may_not_even_ask(stranger: httpx.Client, serving: Served) -> None:
    own = urlsplit(str(stranger.base_url))
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin in (FOREIGN, "null", "http://127.0.0.1:1", f"https://{own.netloc}", f"http://{own.netloc}.example.com"):
        for path in ("/flow_runs/filter", "/health", f"/deployments/{NO_ONE}/create_flow_run"):
            answer = stranger.options(path, headers={**preflight, "Origin": origin})
            assert answer.status_code == 400, origin
            assert "access-control-allow-origin" not in answer.headers
    secret = b64encode(serving.environment[AT_ITS_CLIENTS].encode()).decode()
    answer = stranger.get("/admin/version", headers={"Origin": FOREIGN, "Authorization": f"Basic {secret}"})
    assert "access-control-allow-origin" not in answer.headers, "a browser would hand the answer to the page"


def test_what_changes_something_needs_more_than_the_secret(stranger: httpx.Client, serving: Served) -> None:
    secret = b64encode(serving.environment[AT_ITS_CLIENTS].encode()).decode()
    answer = stranger.post("/flow_runs/", json={}, headers={"Authorization": f"Basic {secret}"})
    assert (answer.status_code, answer.json()) == (403, {"detail": "Missing CSRF token."})


def hears(url: str, protocols: list[str]) -> str | bytes:
    """Connect as a page of another origin that guesses the secret, and return the first thing that is said."""
    offered = [Subprotocol(one) for one in protocols] or None
    with connect(url, subprotocols=offered, origin=Origin(FOREIGN), open_timeout=60) as socket:
        socket.send('{"type": "auth", "token": "admin:a guess at it"}')
        return socket.recv(60)


def test_these_are_all_websockets_that_the_server_has() -> None:
    from prefect.server.api.server import API_ROUTERS  # noqa: PLC0415  it takes long to load

    routes = [route for router in API_ROUTERS for route in router.routes if isinstance(route, APIWebSocketRoute)]
    assert sorted(route.path for route in routes) == list(SOCKETS)


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("protocols", [[], ["prefect"]], ids=["as old clients do", "as clients do"])
def test_a_websocket_is_closed_before_it_says_anything(serving: Served, path: str, protocols: list[str]) -> None:
    url = serving.environment["PREFECT_API_URL"].replace("http://", "ws://") + path.replace("{work_pool_name}", "x")
    with pytest.raises((InvalidStatus, ConnectionClosed)) as refused:  # which of the two is Prefect's choice
        hears(url, protocols)
    if isinstance(refused.value, InvalidStatus):
        assert refused.value.response.status_code == 403


def test_the_secret_is_in_a_file_that_nobody_else_can_read_and_on_no_command_line(serving: Served) -> None:
    file = secret_file(serving.stack.home, "prefect")
    secret = file.read_text().strip()
    assert secret == serving.environment[AT_ITS_CLIENTS]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for log in (serving.stack.home / "logs").iterdir():
        assert secret not in log.read_text(errors="replace"), log.name
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)  # noqa: S607  any ps
    assert secret not in listed.stdout
    assert secret not in repr(serving.stack)


def test_nothing_of_what_is_served_can_be_read_by_others(serving: Served) -> None:
    present = {path.name for path in serving.stack.home.rglob("*")}
    assert present >= {"stripe.sqlite3", "prefect.log", "worker.log", "ports.json", ".lock", "PG_VERSION", "ui"}
    assert open_to_others(serving.stack.home) == []


def doctor(served: Served) -> dict[str, str]:
    """What the doctor says of Prefect, by what it is about."""
    _, words = run_verb(["doctor"], served.environment)
    said = dict(line.split(": ", 1) for line in words.splitlines() if ": " in line)
    return {about: words for about, words in said.items() if "Prefect" in about}


def test_the_doctor_finds_the_server_closed(serving: Served) -> None:
    said = doctor(serving)
    assert said["ok    Prefect's secret"] == "it answers nobody without it"
    assert said["ok    Prefect's origins"] == "pages of other sites are refused"
    assert said["ok    Prefect's network"] == "it listens on this machine alone"


@pytest.mark.parametrize("secret", ["", "admin:a guess at it"])
@pytest.mark.parametrize("verb", ["doctor", pytest.param("deploy", marks=pytest.mark.only_long)])
def test_a_wrong_secret_is_one_line_and_no_traceback(serving: Served, verb: str, secret: str) -> None:
    _, said = run_verb([verb], {**serving.environment, AT_ITS_CLIENTS: secret})
    told = [line for line in said.splitlines() if AT_ITS_CLIENTS in line]
    assert len(told) == 1, said
    assert "does not let us in" in told[0]
    assert AT_THE_SERVER in told[0]
    assert "Traceback" not in said
    assert "a guess at it" not in said
