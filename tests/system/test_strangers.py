"""What a page of another origin, another user and a name that points here get from `make serve`: nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml  # type: ignore[import-untyped] # Prefect brings it
from selenium.webdriver import Chrome
from selenium.webdriver.support.expected_conditions import title_is, visibility_of_element_located
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from deployments.emails.chromium import browser
from deployments.local.demo_club import TOURNAMENT
from deployments.local.home import REPOSITORY
from deployments.local.kept_secrets import secret_file
from deployments.local.mail_catcher.mailbox import numbers
from deployments.local.ports import free_port
from deployments.local.postgres import embedded_postgres
from deployments.local.prefect_api import prefect_api
from deployments.local.prefect_login import AT_ITS_CLIENTS
from deployments.local.prefect_page import PATIENCE, log_in, press, wait_for
from deployments.local.processes import child_processes
from deployments.local.serve import served
from deployments.local.stack import Stack
from deployments.local.temporary_home import temporary_home
from tests.support.strangers import FOREIGN, NO_ONE, STRANGERS, answered, known_calls
from tests.support.web_server import web_server

PAGE = (Path(__file__).parent / "strangers.html").read_text(encoding="utf-8")
JSON = {"Content-Type": "application/json"}
PLAIN = {"Content-Type": "text/plain"}
MAIL = "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: planted\r\n\r\n.\r\n"
COMPOSE = REPOSITORY / "deployments" / "compose.yaml"
NAMES = ("127.0.0.1", "localhost", "elsewhere.example.com")
"""By which a page of somebody else's is opened: the first is of one site with ours to a browser, the others are not."""


RESOLVING = f"--host-resolver-rules=MAP {NAMES[-1]} 127.0.0.1"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with (
        temporary_home() as home,
        served(home, {}, print) as (stack, _),
    ):
        yield stack


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[httpx.Client]:
    with prefect_api(stack.environment) as api:
        yield api


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Iterator[Chrome]:
    """The operator's browser, logged in to Prefect and with the caught mail open; a stranger's name points here."""
    with browser(RESOLVING) as (driver, _):
        driver.set_window_size(1280, 1400)
        log_in(driver, stack.prefect_url or "", stack.environment[AT_ITS_CLIENTS])
        driver.get(stack.mail_url or "")
        yield driver


def without_key(stack: Stack) -> str:
    """The address of the caught mail, as others know it."""
    return f"http://{urlsplit(stack.mail_url or '').netloc}"


def sessions_of(stack: Stack) -> list[dict[str, Any]]:
    with stack.stand_in() as stand_in:
        return stand_in.sessions()


READING = {"credentials": "include"}
SIMPLE = {"method": "POST", "headers": PLAIN, "mode": "no-cors", "credentials": "include"}


def attempts_on_prefect(url: str, deployment: str, mischief: Path) -> dict[str, Any]:
    """What a page can try: simple requests, which no preflight goes before, others, and websockets."""
    start = f"{url}/api/deployments/{deployment}/create_flow_run"
    command = json.dumps({"state": {"type": "SCHEDULED"}, "job_variables": {"command": f"touch {mischief}"}})
    asked = {"method": "POST", "headers": JSON, "body": command, "credentials": "include"}
    secret = {"method": "POST", "headers": JSON | {"Authorization": "Basic eA=="}, "body": command}
    paths = ("events/out", "events/in", "logs/out", "work_pools/tournament-fees/workers/connect")
    return {
        "a run, by a simple request": {"url": start, "options": SIMPLE | {"body": command}},
        # Prefect takes a body without a type for JSON, and no preflight goes before it either.
        "a run, by one without a type": {"url": start, "options": SIMPLE | {"headers": {}}, "untyped": command},
        "a run": {"url": start, "options": asked},
        "a run, with a secret": {"url": start, "options": secret},
        "settings": {"url": f"{url}/api/admin/settings", "options": READING},
        "runs": {"url": f"{url}/api/flow_runs/filter", "options": asked},
        "a token": {"url": f"{url}/api/csrf-token?client=x", "options": READING},
        **{
            f"websocket {path} {protocols}": {"url": f"{url.replace('http', 'ws')}/api/{path}", "protocols": protocols}
            for path in paths
            for protocols in ([], ["prefect"])
        },
    }


def attempts(stack: Stack, deployment: str) -> dict[str, Any]:
    """All that a page can try on what `make serve` starts."""
    stripe, mail = f"{stack.stripe_url}", without_key(stack)
    smtp = stack.environment["SMTP_URL"].replace("smtp://", "http://")
    return {
        **attempts_on_prefect(f"{stack.prefect_url}", deployment, stack.home / "was-here"),
        "sessions": {"url": f"{stripe}/_standin/sessions", "options": READING},
        "a reset": {"url": f"{stripe}/_standin/reset", "options": {"method": "POST", "mode": "no-cors"}},
        "sessions, as a client": {"url": f"{stripe}/v1/checkout/sessions", "options": READING},
        "mail": {"url": f"{mail}/", "options": READING},
        "mail, by its key": {"url": stack.mail_url, "options": READING},
        "a message": {"url": f"{mail}/messages/1.html", "options": READING},
        "the mail server": {"url": smtp, "options": SIMPLE | {"body": MAIL}},
    }


@contextmanager
def page_of_somebody_else(tries: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Serve the page; give where it is, and what it sends home."""
    home: list[dict[str, str]] = []

    def answer(path: str, body: bytes) -> tuple[int, str]:
        if path == "/home":
            home.append(json.loads(body))
        return 200, PAGE.replace("ATTEMPTS", json.dumps(tries))

    with web_server(answer) as place:
        yield place, home


def what_a_page_gets(tries: dict[str, Any], driver: Chrome, name: str) -> dict[str, str]:
    """Open the page by this name in the operator's browser, and return what it got."""
    with page_of_somebody_else(tries) as (place, home):
        driver.get(f"http://{place.replace('127.0.0.1', name)}/")
        WebDriverWait(driver, PATIENCE).until(title_is("Done"))
    (got,) = home
    return got


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_another_origin_reads_nothing_and_starts_nothing(
    stack: Stack, api: httpx.Client, operator: Chrome, name: str
) -> None:
    runs, sessions = api.post("/flow_runs/count", json={}).json(), sessions_of(stack)
    deployment = api.get("/deployments/name/tournament-fees/tournament-fees").json()["id"]
    tries = attempts(stack, deployment)
    assert what_a_page_gets(tries, operator, name) == dict.fromkeys(tries, "nothing")
    assert api.post("/flow_runs/count", json={}).json() == runs
    assert sessions_of(stack) == sessions
    assert not (stack.home / "was-here").exists()
    assert numbers(stack.mail_folder or Path()) == []


def test_a_name_that_is_made_to_point_here_gets_no_data(stack: Stack, operator: Chrome) -> None:
    for url, path in (
        (stack.prefect_url, "/api/admin/settings"),
        (stack.stripe_url, "/_standin/sessions"),
        (without_key(stack), "/"),
        (stack.mail_url, ""),
    ):
        operator.get(f"{url}{path}".replace("127.0.0.1", NAMES[-1]))
        shown = operator.find_element("css selector", "body").text
        assert "@example" not in shown
        assert "cs_test" not in shown
        assert "logging" not in shown


def as_another_user(*arguments: str) -> str:
    """What somebody without rights gets who has a shell on the machine."""
    done = subprocess.run(
        ["curl", "--silent", "--max-time", "60", "--write-out", "\n%{http_code}", *arguments],  # noqa: S607  any curl
        user="nobody",
        group="nogroup",
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.rpartition("\n")[2]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_of_the_machine_is_refused(stack: Stack) -> None:
    for url in (
        f"{stack.prefect_url}/api/admin/settings",
        f"{stack.prefect_url}/api/deployments/name/tournament-fees/tournament-fees",
        f"{stack.stripe_url}/_standin/sessions",
        f"{stack.stripe_url}/v1/checkout/sessions",
        f"{without_key(stack)}/",
        f"{without_key(stack)}/messages/1.eml",
    ):
        for more in ([], ["--header", "Host: localhost"], ["--request", "POST"], ["--user", "sk_test_guess:"]):
            assert as_another_user(url, *more) in {"401", "403"}, url
    assert as_another_user(f"file://{secret_file(stack.home, 'prefect')}") == "000"


# compose.yaml's server


@pytest.fixture(scope="module")
def composed() -> Iterator[dict[str, str]]:
    """Prefect's server with the settings of compose.yaml, for which .env has what its variables ask for."""
    secret, port = "admin:for-compose-alone", free_port()
    given = {"PREFECT_API_AUTH_STRING": secret, "PREFECT_POSTGRES_PASSWORD": "x"}
    service = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["prefect-server"]
    settings = {name: substituted(value, given) for name, value in service["environment"].items()}
    with (
        temporary_home() as home,
        child_processes(home) as children,
        embedded_postgres(home / "postgres", databases=("prefect",), children=children) as postgres,
    ):
        settings |= {"PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.url("prefect", "asyncpg")}
        settings |= {"PREFECT_HOME": str(home), "PREFECT_SERVER_UI_STATIC_DIRECTORY": f"{home}/ui"}
        program = [sys.executable, "-m", *service["command"], "--port", str(port)]
        server = children.start("prefect", program, folder=home, environment=settings)
        api_url = f"http://127.0.0.1:{port}/api"
        server.wait_until(lambda: is_up(api_url))
        yield {"PREFECT_API_URL": api_url, AT_ITS_CLIENTS: secret}


def substituted(value: str, given: dict[str, str]) -> str:
    """Do what Compose does with ${NAME:-default} and ${NAME:?complaint}."""
    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", lambda found: given.get(found[1]) or found[3], value)


def is_up(api_url: str) -> bool:
    try:
        return httpx.get(f"{api_url}/health", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("headers", STRANGERS.values(), ids=STRANGERS)
def test_the_server_of_compose_refuses_every_call(composed: dict[str, str], headers: dict[str, str]) -> None:
    with prefect_api(composed) as api:
        calls = known_calls(api)
    assert answered(composed["PREFECT_API_URL"], calls, headers) == {}


@pytest.mark.parametrize(("origin", "code"), [(FOREIGN, 400), ("http://127.0.0.1:4200", 200)])
def test_the_server_of_compose_answers_its_own_pages_alone(composed: dict[str, str], origin: str, code: int) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    asked = f"{composed['PREFECT_API_URL']}/flow_runs/filter"
    answer = httpx.options(asked, headers=preflight | {"Origin": origin}, trust_env=False)
    assert answer.status_code == code
    assert answer.headers.get("access-control-allow-origin") == (origin if code == 200 else None)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_another_origin_gets_nothing_from_the_server_of_compose(
    composed: dict[str, str], tmp_path: Path, name: str
) -> None:
    url = composed["PREFECT_API_URL"].removesuffix("/api")
    tries = attempts_on_prefect(url, NO_ONE, tmp_path / "was-here")
    with browser(RESOLVING) as (driver, _):
        assert what_a_page_gets(tries, driver, name) == dict.fromkeys(tries, "nothing")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_refused_by_the_server_of_compose(composed: dict[str, str]) -> None:
    for more in ([], ["--header", "Host: elsewhere.example.com"], ["--user", "admin:a guess"], ["--request", "POST"]):
        assert as_another_user(f"{composed['PREFECT_API_URL']}/admin/settings", *more) in {"401", "403"}


def test_the_clients_of_compose_are_let_in(composed: dict[str, str]) -> None:
    with prefect_api(composed) as api:
        assert api.post("/flow_runs/count", json={}).json() == 0


# The operator, who has logged in


def test_a_browser_that_logs_in_anew_sends_a_campaign_by_clicks(stack: Stack, api: httpx.Client) -> None:
    deployment = api.get("/deployments/name/tournament-fees/tournament-fees").json()["id"]
    with browser() as (driver, _):
        driver.set_window_size(1280, 1400)
        log_in(driver, stack.prefect_url or "", stack.environment[AT_ITS_CLIENTS])
        driver.get(f"{stack.prefect_url}/deployments/deployment/{deployment}")
        press(driver, "Run")
        press(driver, "Custom run")
        WebDriverWait(driver, PATIENCE).until(visibility_of_element_located(("css selector", "textarea"))).send_keys(
            TOURNAMENT
        )
        press(driver, "Submit")
        run: str = WebDriverWait(driver, PATIENCE).until(lambda _: suspended(api))  # type: ignore[assignment] # by then
        driver.get(f"{stack.prefect_url}/runs/flow-run/{run}")
        press(driver, "Resume")
        wait_for(driver, "23 messages would go out")
        Select(driver.find_elements("css selector", "select")[-2]).select_by_visible_text("approve")
        driver.find_elements("css selector", "textarea")[0].send_keys("Kim Doe")
        press(driver, "Submit")
        WebDriverWait(driver, PATIENCE).until(lambda _: state_of(api, run)["type"] == "COMPLETED")
    assert state_of(api, run)["message"] == "23 sent, 9 skipped, 0 still to send"
    assert len(numbers(stack.mail_folder or Path())) == 23


def state_of(api: httpx.Client, run: str) -> dict[str, str]:
    found: dict[str, str] = api.get(f"/flow_runs/{run}").json()["state"]
    return found


def suspended(api: httpx.Client) -> str | None:
    """The id of the run that waits for an approval."""
    wanted = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}
    found = api.post("/flow_runs/filter", json=wanted).json()
    return str(found[0]["id"]) if found else None
