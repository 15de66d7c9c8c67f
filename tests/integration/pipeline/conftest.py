"""Real parts for the pipeline: PostgreSQL, the Stripe stand-in over HTTP, a mail catcher over SMTP."""

import os
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
import stripe
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url

from deployments.local.demo_club import load_demo_club
from deployments.local.mail_catcher.mailbox import numbers
from deployments.local.postgres import embedded_postgres
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import running_stand_in
from tasks.migrations import migrate
from tasks.services import open_services
from tasks.settings import Settings
from tests.integration.pipeline.harness import Inbox, MovableClock, Pipeline

STRIPE_KEY = "sk_test_invented_key_of_the_tests"


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded PostgreSQL, or the server that TEST_DATABASE_URL names (make test-system: PostgreSQL 15)."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with embedded_postgres(tmp_path_factory.mktemp("postgres") / "data", databases=("club",)) as server:
        yield server.url("club")


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database of its own for one test."""
    name = f"test_{uuid4().hex}"
    admin = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def stand_in_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_stand_in(tmp_path_factory.mktemp("stripe") / "stripe.sqlite3") as stand_in:
        yield stand_in.base_url


@pytest.fixture
def stand_in(stand_in_url: str) -> Iterator[StandInControl]:
    with StandInControl(stand_in_url) as control:
        control.reset()
        yield control


@pytest.fixture(scope="session")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    folder = tmp_path_factory.mktemp("mail")
    command = [sys.executable, "-m", "deployments.local.mail_catcher", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[2]
        yield Inbox(url, folder, 0)
        process.terminate()


@pytest.fixture
def inbox(catcher: Inbox) -> Inbox:
    return Inbox(catcher.url, catcher.folder, max(numbers(catcher.folder), default=0))


@pytest.fixture
def settings(empty_database_url: str, stand_in: StandInControl, inbox: Inbox) -> Settings:
    return Settings(
        _env_file=None,
        database_url=SecretStr(empty_database_url),
        stripe_api_key=SecretStr(STRIPE_KEY),
        stripe_api_base=stand_in.base_url,
        checkout_success_url="https://club.example.org/paid",
        smtp_url=SecretStr(inbox.url),
        mail_from="Example Hoops Club <fees@example.org>",
        mail_reply_to="treasurer@example.org",
        batch_size=10,
    )


@pytest.fixture
def empty_club(settings: Settings, stand_in: StandInControl, inbox: Inbox) -> Iterator[Pipeline]:
    """The pipeline on a database that has its own tables and nothing of the club's."""
    clock = MovableClock()
    with open_services(settings, clock) as services:
        migrate(services.database)
        yield Pipeline(services, stand_in, inbox, clock)


@pytest.fixture
def demo_club(empty_club: Pipeline, stand_in: StandInControl) -> Pipeline:
    """The pipeline on the demo club: the tournament of the field record and what stands beside it."""
    client = stripe.StripeClient(STRIPE_KEY, base_addresses={"api": stand_in.base_url})
    load_demo_club(empty_club.services.database, client, stand_in)
    stand_in.clear_requests()
    return empty_club
