"""Real parts for the pipeline: PostgreSQL, the Stripe stand-in over HTTP, a mail catcher over SMTP."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import stripe
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Row, make_url, text

from deployments.local.demo_club import TOURNAMENT, load_demo_club
from deployments.local.mail_catcher.mailbox import message_file, numbers
from deployments.local.postgres import embedded_postgres
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import running_stand_in
from tasks.campaign import CampaignOptions
from tasks.migrations import migrate
from tasks.services import Services, open_services
from tasks.settings import Settings
from tasks.steps.check_ready import check_ready
from tasks.steps.deliver_batch import deliver_batch
from tasks.steps.open_campaign import open_campaign
from tasks.steps.plan_batches import plan_batches
from tasks.steps.summarize import Summary, summarize

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


@dataclass(frozen=True)
class Inbox:
    """What a mail server has caught since `before`."""

    url: str
    folder: Path
    before: int

    def messages(self) -> list[EmailMessage]:
        files = [message_file(self.folder, number) for number in numbers(self.folder) if number > self.before]
        return [message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages() if message["X-Envelope-To"] == address]


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


@dataclass
class MovableClock:
    """Business time: real time, and what was added."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Pipeline:
    """The pipeline's steps over real parts, run without Prefect, with business time that can be moved."""

    services: Services
    stand_in: StandInControl
    inbox: Inbox
    clock: MovableClock

    def later(self, delta: timedelta) -> None:
        """Let time pass, here and at Stripe."""
        self.clock.ahead += delta
        self.stand_in.advance_clock(delta.total_seconds())

    def run(self, tournament: str = TOURNAMENT, sequence: str = "1") -> Summary:
        """Run the campaign from end to end, as the flow does."""
        run_id = uuid4()
        check_ready(self.services)
        campaign = open_campaign(self.services, tournament, "fee_notice", CampaignOptions(sequence=sequence))
        for batch in plan_batches(self.services, campaign):
            deliver_batch(self.services, campaign, batch, run_id)
        return summarize(self.services, campaign, run_id)

    def sql(self, statement: str, **values: object) -> list[Row[Any]]:
        """Look at, or change, the database as its owner would."""
        with self.services.database.transaction() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def order_of(self, player: str) -> Row[Any]:
        """The order of a player with one order, as the club's table has it."""
        (row,) = self.sql(
            "SELECT o.* FROM orders o JOIN players p ON p.id = o.player_id "
            "WHERE concat_ws(' ', p.first_name, p.last_name) = :player",
            player=player,
        )
        return row

    def message_to(self, surname: str) -> Row[Any]:
        """The ledger's one message to the parents of this surname."""
        (row,) = self.sql("SELECT * FROM tournament_fees.messages WHERE family = :family", family=surname.casefold())
        return row

    def sessions_of(self, player: str) -> list[dict[str, Any]]:
        """All sessions that Stripe has of a player's order, newest first."""
        order = self.order_of(player)
        references = {str(order.id), f"order-{order.id}"}
        return [session for session in self.stand_in.sessions() if session["client_reference_id"] in references]


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
