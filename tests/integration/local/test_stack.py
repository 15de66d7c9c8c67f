"""The whole embedded stack."""

from __future__ import annotations

import json
import os
import re
import signal
import smtplib
import urllib.request
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest
import stripe
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from deployments.local.home import REPOSITORY, HomeInUseError, stack_home
from deployments.local.prefect_api import prefect_api
from deployments.local.prefect_login import AT_ITS_CLIENTS, AT_THE_SERVER
from deployments.local.processes import ChildFailedError, child_processes
from deployments.local.serve import run_verb
from deployments.local.stack import Stack, local_stack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.integration.local.conftest import Holding

HOLDER = """
import sys
from pathlib import Path
from deployments.local.stack import local_stack
with local_stack(Path(sys.argv[1]), prefect=False, given={}, progress=lambda _: None) as stack:
    print("ready", flush=True)
    sys.stdin.read()
"""


def _quiet(_line: str) -> None:
    pass


def _get(url: str) -> bytes:
    with urllib.request.build_opener().open(url, timeout=30) as answer:
        return bytes(answer.read())


def _send(stack: Stack, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "fees@example.org", "robin@example.com", subject
    message.set_content("Hello")
    address = urlsplit(stack.environment["SMTP_URL"])
    with smtplib.SMTP(str(address.hostname), int(address.port or 0), timeout=30) as server:
        server.send_message(message)


def _one(database_url: str, statement: str) -> object:
    with create_engine(database_url, poolclass=NullPool).begin() as connection:
        return connection.scalar(text(statement))


def _below_us() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def _left(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run: who has ended is seen until init has taken note of it."""
    alive = psutil.wait_procs(processes, timeout=5)[1]
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def as_in_a_program() -> Iterator[None]:
    """SIGTERM as a program has it that has said nothing about it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.only_long
def test_the_whole_stack_answers_and_leaves_no_process(home: Path) -> None:
    before, said = _below_us(), list[str]()
    login = "admin:the-users-own-secret"
    given = {AT_THE_SERVER: login, AT_ITS_CLIENTS: login, "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "*"}
    with local_stack(home, given=given, progress=said.append) as stack:
        ran = _below_us() - before
        assert _one(stack.environment["DATABASE_URL"], "SELECT current_database()") == "club"
        assert json.loads(_get(f"{stack.stripe_url}/_standin/health")) is not None
        _send(stack, "the first")
        assert b"the first" in _get(str(stack.mail_url))
        assert _get(f"{stack.environment['PREFECT_API_URL']}/health") == b"true"
        settings = json.loads(_get(f"{stack.prefect_url}/ui-settings"))
        assert settings["api_url"] == stack.environment["PREFECT_API_URL"]
        assert b"<html" in _get(f"{stack.prefect_url}/")
        assert stack.environment[AT_ITS_CLIENTS] == login
        with prefect_api(stack.environment) as api:
            assert api.get("/admin/settings").json()["server"]["api"]["cors_allowed_origins"].startswith("http://127.")
    assert _left(ran) == []
    assert login not in "".join(said)
    assert login not in repr(stack)


@pytest.mark.only_long
def test_a_killed_stack_leaves_its_data_and_its_ports_to_the_next(home: Path, holding: Holding) -> None:
    with local_stack(home, prefect=False, given={}, progress=_quiet) as first:
        with create_engine(first.environment["DATABASE_URL"], poolclass=NullPool).begin() as connection:
            connection.execute(text("CREATE TABLE kept AS SELECT 7 AS figure"))
        _send(first, "before")
    with holding(HOLDER, home) as holder:
        holder.kill()
        holder.wait()
    with local_stack(home, prefect=False, given={}, progress=_quiet) as second:
        assert second == first
        assert _one(second.environment["DATABASE_URL"], "SELECT figure FROM kept") == 7
        _send(second, "after")
        assert re.findall(r"(?:before|after)(?=</span>)", _get(str(second.mail_url)).decode()) == ["after", "before"]


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.only_long), signal.SIGINT]
)
def test_a_signal_stops_the_whole_stack(home: Path, holding: Holding, number: signal.Signals) -> None:
    with holding(HOLDER, home) as holder:
        below = psutil.Process(holder.pid).children(recursive=True)
        holder.send_signal(number)
        holder.wait(60)
    assert _left(below) == []
    assert list((home / "run").iterdir()) == []


@pytest.mark.usefixtures("as_in_a_program")
def test_signals_are_as_before_once_the_stack_is_down(home: Path) -> None:
    with pytest.raises(SystemExit), local_stack(home, prefect=False, given={}, progress=_quiet):
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_program_with_an_end_of_its_own_for_a_signal_keeps_it(home: Path) -> None:
    with pytest.raises(KeyboardInterrupt), local_stack(home, prefect=False, given={}, progress=_quiet):
        os.kill(os.getpid(), signal.SIGTERM)  # pytest's, see tests/conftest.py
    assert list((home / "run").iterdir()) == []


def test_a_second_stack_on_the_same_home_is_refused(home: Path, holding: Holding) -> None:
    with (
        holding(HOLDER, home) as holder,
        pytest.raises(HomeInUseError, match=f"process {holder.pid}"),
        local_stack(home, prefect=False, given={}, progress=_quiet),
    ):
        pass


def test_what_the_user_brings_is_used_instead_of_ours(home: Path) -> None:
    given = {
        "DATABASE_URL": "postgresql://club.example.org/club",
        "STRIPE_API_KEY": "sk_test_theirs",
        "SMTP_URL": "smtp://mail.example.org:587",
        "MAIL_FROM": "treasurer@example.org",
        "UNRELATED": "value",
    }
    with local_stack(home, prefect=False, given=given, progress=_quiet) as stack:
        assert (stack.stripe_url, stack.mail_url, stack.mail_folder) == (None, None, None)
        assert {name: stack.environment.get(name) for name in given} == {**given, "UNRELATED": None}
        assert list((home / "run").iterdir()) == [], "nothing was started"


def test_a_proxy_for_the_web_is_not_asked_for_this_machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody answers
    monkeypatch.setenv("no_proxy", "club.example.org")
    with local_stack(home, prefect=False, given={}, progress=_quiet) as stack:
        client = stripe.StripeClient(
            stack.environment["STRIPE_API_KEY"], base_addresses={"api": stack.environment["STRIPE_API_BASE"]}
        )
        assert client.v1.checkout.sessions.list().data == []
        with urllib.request.build_opener().open(stack.mail_url or "") as answer:  # the wait for Prefect asks so
            assert answer.status == 200
    assert os.environ["no_proxy"] == "club.example.org"


def test_the_home_is_the_users_choice_or_in_the_repository(home: Path) -> None:
    assert stack_home({"TOURNAMENT_FEES_HOME": str(home)}) == home
    assert stack_home({}) == REPOSITORY / ".local"


def test_a_verb_that_fails_says_so_in_its_own_words(home: Path) -> None:
    with child_processes(home) as children:
        stack = Stack(home, children, {}, None, None, None, None)
        with pytest.raises(ChildFailedError, match=r"(?s)no-such-verb ended with exit code 2.*No such command"):
            run_verb(stack, "no-such-verb")
