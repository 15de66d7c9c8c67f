"""The pipeline's steps over real parts, as the integration tests drive them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import psycopg
import stripe
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import URL, Row, make_url, text

from deployments.local.demo_club import TOURNAMENT, load_demo_club
from deployments.local.mail_catcher.mailbox import message_file, numbers
from deployments.local.postgres_programs import PROGRAMS
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import running_stand_in
from deployments.local.temporary_home import temporary_home
from deployments.local.whole_run import whole_run
from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.summary import Summary, summarize
from tasks.core.database import Database, shared_database
from tasks.core.migrations import migrate
from tasks.core.settings import Settings
from tasks.delivery.deliver_batch import deliver_batch
from tasks.mail.letter import Letter
from tasks.mail.renderer import RenderedMail, Renderer
from tasks.operations.health_checks import check_ready
from tasks.operations.options import RetryChoice
from tasks.operations.retry import retry_messages
from tasks.refresh.sweep import sweep
from tasks.services import Services, open_services
from tests.support.stripe_schema import check_object, check_request

ROLES = Path(__file__).parents[2] / "sql" / "roles.sql"

FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off", "jit": "off"}
"""Settings of a PostgreSQL that nobody starts again: it spares what only a restart would need."""

MOST_CHECKED = 100
"""Sessions of a test that are held against the schema: in one with thousands, they are alike."""

STRIPE_KEY = "sk_test_invented_key_of_the_tests"
LIVE_KEY = "sk_live_invented_key_of_the_tests"
"""Nobody's: the stand-in and we go by its prefix, and what is of the other mode has to be told apart."""


BY_POSTGRES = (
    ("order_leases", "expires_at"),
    ("messages", "lease_expires_at"),
    ("message_orders", "checked_at"),
    ("sightings", "seen_at"),
    ("paces", "next_at"),
)
"""Times of the ledger that are PostgreSQL's own and no business time."""


@dataclass(frozen=True)
class Inbox:
    """What a mail server has caught between two moments."""

    url: str
    folder: Path
    after: int = 0
    until: int | None = None

    def from_now_on(self) -> "Inbox":
        return replace(self, after=max(numbers(self.folder), default=0))

    def until_now(self) -> "Inbox":
        return replace(self, until=max(numbers(self.folder), default=0))

    def messages(self) -> list[EmailMessage]:
        wanted = [n for n in numbers(self.folder) if n > self.after and (self.until is None or n <= self.until)]
        files = [message_file(self.folder, number) for number in wanted]
        return [message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages() if message["X-Envelope-To"] == address]


class StrictStandIn(StandInControl):
    """The stand-in, whose log and objects must be what Stripe publishes, in every test that uses it."""

    def __init__(self, base_url: str, secret: str) -> None:
        super().__init__(base_url, secret)
        self.checked = 0

    @contextmanager
    def strict(self) -> Iterator[Self]:
        """Begin anew, and at the end check all that was asked and all that there is."""
        self.reset()
        yield self
        self.check_requests()
        self.check_objects()

    def clear_requests(self) -> None:
        self.check_requests()
        super().clear_requests()

    def reset(self) -> None:
        super().reset()
        self.checked = 0

    def check_requests(self) -> None:
        for request in self.requests(since=self.checked):
            check_request(request["method"], request["path"], request["parameters"])
            self.checked = request["seq"]

    def check_objects(self) -> None:
        for session in self.sessions(most=MOST_CHECKED):
            check_object("checkout.session", session)
        for link in self.payment_links(most=MOST_CHECKED):
            check_object("payment_link", {name: value for name, value in link.items() if name != "lines"})


class RememberingRenderer(Renderer):
    """Renders a letter once: the samples for each plan of a campaign are the same letters in most tests."""

    def render(self, letter: Letter) -> RenderedMail:
        return _rendered(self, letter)


@lru_cache(maxsize=1000)
def _rendered(renderer: RememberingRenderer, letter: Letter) -> RenderedMail:
    return Renderer.render(renderer, letter)


@lru_cache(maxsize=2)
def _renderer(language: str, time_zone: str) -> RememberingRenderer:
    return RememberingRenderer(language=language, time_zone=time_zone)


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
    owner: Database
    """The database as its owner sees it, who may do everything."""
    role: str = ""
    """The role that the steps have in its place, and that gets its rights when the club's tables are there."""

    def grant(self) -> None:
        """Give the pipeline's roles their rights, as the owner does; also those that only some clubs give."""
        if self.role:
            done = run_roles(libpq_url(self.owner.engine.url))
            assert done.returncode == 0, done.stderr

    def grant_where_missing(self) -> None:
        """Do the same, unless the database was copied and granted with its club in it."""
        held = "SELECT to_regrole(:role) IS NOT NULL AND has_column_privilege(:role, 'orders', 'status', 'UPDATE')"
        if self.role and not self.sql(held, role=self.role)[0][0]:
            self.grant()

    @contextmanager
    def granted(self, role: str) -> Iterator[None]:
        """Give the steps' role another one for a while, as a club does that wants what it allows."""
        if self.role:
            self.sql(f"GRANT {role} TO {self.role}")
        try:
            yield
        finally:
            if self.role:
                self.sql(f"REVOKE {role} FROM {self.role}")

    @property
    def environment(self) -> dict[str, str]:
        """The settings for a program of ours that runs beside the test."""
        settings = self.services.settings
        return {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "STRIPE_API_KEY": settings.stripe_api_key.get_secret_value(),
            "STRIPE_API_BASE": settings.stripe_api_base,
            "CHECKOUT_SUCCESS_URL": settings.checkout_success_url,
            "SMTP_URL": settings.smtp_url.get_secret_value(),
            "MAIL_FROM": settings.mail_from,
        }

    def under(self, **settings: object) -> "Pipeline":
        """The same pipeline under other settings."""
        changed = self.services.settings.model_copy(update=settings)
        return replace(self, services=replace(self.services, settings=changed))

    def later(self, delta: timedelta) -> None:
        """Let time pass, here and at Stripe."""
        self.clock.ahead += delta
        self.stand_in.advance_clock(delta.total_seconds())

    def much_later(self, delta: timedelta) -> None:
        """Let time pass for leases and checks of links too, as it does where nobody simulates it."""
        self.later(delta)
        with self.owner.transaction() as connection:
            for table, column in BY_POSTGRES:
                aged = f"UPDATE tournament_fees.{table} SET {column} = {column} - :delta"  # noqa: S608  names of ours
                connection.execute(text(aged), {"delta": delta})

    def stripe_client(self, key: str | None = None) -> stripe.StripeClient:
        """What the club's own system talks to Stripe with; by default it has the pipeline's key."""
        return own_client(self.stand_in, key or self.services.settings.stripe_api_key.get_secret_value())

    def load_demo(self) -> None:
        load_demo_club(self.owner, self.stripe_client(), self.stand_in)
        self.grant()
        self.stand_in.clear_requests()

    def run(
        self, tournament: str = TOURNAMENT, sequence: int = 1, *, options: CampaignOptions | None = None
    ) -> Summary:
        """Run the campaign from end to end, as the flow does."""
        run_id = uuid4()
        options = options or CampaignOptions(sequence=sequence)
        check_ready(self.services)
        campaign = open_campaign(self.services, tournament, options.kind, options)
        sweep(self.services, campaign)
        for batch in plan_batches(self.services, campaign, options.at_most):
            deliver_batch(self.services, campaign, batch, run_id)
        return summarize(self.services, campaign, run_id)

    def retry(self, **choice: Any) -> list[Summary]:  # noqa: ANN401  as the form takes it
        """Send what is due, and what is chosen, as the flow retry-failed-sends does."""
        run_id = uuid4()
        campaigns = retry_messages(self.services, RetryChoice(**choice)).campaigns
        for campaign in campaigns:
            for batch in plan_batches(self.services, campaign, 10_000):
                deliver_batch(self.services, campaign, batch, run_id)
        return [summarize(self.services, campaign, run_id) for campaign in campaigns]

    def sql(self, statement: str, **values: object) -> list[Row[Any]]:
        """Look at, or change, the database as its owner would."""
        with self.owner.transaction() as connection:
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


@dataclass(frozen=True)
class ToldClub:
    """A club after one run of its campaign: the orders as they were before, and the run's summary."""

    pipeline: Pipeline
    before: dict[str, Row[Any]]
    summary: Summary


def own_client(stand_in: StandInControl, key: str = STRIPE_KEY) -> stripe.StripeClient:
    """What the club's own system talks to Stripe with."""
    return stripe.StripeClient(key, base_addresses={"api": stand_in.base_url})


@contextmanager
def fresh_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """Make a database, and drop it at the end. To copy its files takes half as long as to log its pages."""
    name, url = f"test_{uuid4().hex}", make_url(server_url)
    created, source = sql.Identifier(name), sql.Identifier(template)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(created, source))
        yield url.set(database=name).render_as_string(hide_password=False)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(created))


@contextmanager
def ledger_template(server_url: str) -> Iterator[str]:
    """Make a database that has the pipeline's own tables, for copies: to migrate each takes many times as long.

    Yields its name. Nobody may be connected to it while it is copied.
    """
    with fresh_database(server_url) as url:
        owner = Database(url)
        migrate(owner)
        owner.close()
        yield make_url(url).database or ""


def program(name: str) -> str:
    """The embedded PostgreSQL's program, or that of the server which TEST_DATABASE_URL names."""
    return str(shutil.which(name) if "TEST_DATABASE_URL" in os.environ else PROGRAMS / name)


def run_roles(url: str) -> "subprocess.CompletedProcess[str]":
    """Run sql/roles.sql as deployments/README.md says."""
    command = [program("psql"), "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-f", "sql/roles.sql", url]
    return subprocess.run(command, cwd=ROLES.parents[1], capture_output=True, text=True, check=False)


def libpq_url(url: URL) -> str:
    """Write it as psycopg reads it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def catching_mail(folder: Path) -> Iterator[Inbox]:
    """Run a mail server that keeps in a folder whatever it is sent, until the end of the block, or of this process."""
    command = [sys.executable, "-m", "deployments.local.mail_catcher", "--folder", str(folder)]
    with whole_run(), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[2]
        try:
            yield Inbox(url, folder)
        finally:
            process.terminate()


def settings_for(database_url: str, stand_in: StandInControl, inbox: Inbox) -> Settings:
    """The settings of a pipeline on these parts."""
    of_these = _settings(stand_in.base_url, inbox.url)
    return of_these.model_copy(update={"database_url": SecretStr(database_url)})


@lru_cache
def _settings(stripe_url: str, smtp_url: str) -> Settings:
    """Read them once: whatever stands in the environment is looked for dozens of times."""
    return Settings(
        _env_file=None,
        database_url=SecretStr("postgresql://each.test.has.its.own/club"),
        stripe_api_key=SecretStr(STRIPE_KEY),
        stripe_api_base=stripe_url,
        club_reference="{order}",
        checkout_success_url="https://club.example.org/paid",
        smtp_url=SecretStr(smtp_url),
        mail_from="Example Hoops Club <fees@example.org>",
        mail_reply_to="treasurer@example.org",
        batch_size=10,
    )


@contextmanager
def open_pipeline(settings: Settings, stand_in: StandInControl, inbox: Inbox) -> Iterator[Pipeline]:
    """Open the pipeline on a database, with its own tables made."""
    with shared_database(settings.database_url.get_secret_value()) as owner:
        migrate(owner)
        with migrated_pipeline(settings, stand_in, inbox) as pipeline:
            yield pipeline


@contextmanager
def migrated_pipeline(settings: Settings, stand_in: StandInControl, inbox: Inbox, role: str = "") -> Iterator[Pipeline]:
    """Open the pipeline where its own tables are; with a role, its steps have that one's rights only."""
    clock = MovableClock()
    with shared_database(settings.database_url.get_secret_value()) as owner:
        if role:
            url = owner.engine.url.update_query_dict({"options": f"-c role={role}"})
            limited = SecretStr(url.render_as_string(hide_password=False))
            settings = settings.model_copy(update={"database_url": limited})
        with open_services(settings, clock) as services:
            remembering = replace(services, renderer=_renderer(settings.club_language, settings.club_time_zone))
            yield Pipeline(remembering, stand_in, inbox, clock, owner, role)


@contextmanager
def own_pipeline(server_url: str, inbox: Inbox) -> Iterator[Pipeline]:
    """Open the pipeline on a database and a stand-in of its own, for tests of a file that share them."""
    with (
        fresh_database(server_url) as database_url,
        temporary_home(in_memory=True) as folder,
        running_stand_in(folder / "stripe.sqlite3") as server,
        server.control() as stand_in,
        open_pipeline(settings_for(database_url, stand_in, inbox), stand_in, inbox) as pipeline,
    ):
        yield pipeline


def waiting_for_locks(club: Pipeline) -> int:
    """How many wait for what somebody else has locked in this database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return int(club.sql(waiting)[0][0])


def links_in(message: EmailMessage) -> list[str]:
    """The payment links of the text part; the HTML part must have the same."""
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    links = re.findall(r"^\s*(http\S+/(?:c/pay|b)/\S+)", text.get_content(), re.MULTILINE)
    assert set(re.findall(r'href="(http[^"]+/(?:c/pay|b)/[^"]+)"', html.get_content())) == set(links)
    return links


def open_session(club: Pipeline, player: str) -> dict[str, Any]:
    """The one session through which a player's order can be paid."""
    (session,) = [session for session in club.sessions_of(player) if session["status"] == "open"]
    return session


def nothing_happened(club: Pipeline) -> None:
    """Assert that nobody was mailed and Stripe was asked for no session."""
    assert club.inbox.messages() == []
    assert [request for request in club.stand_in.requests() if request["method"] == "POST"] == []
    assert club.sql("SELECT * FROM tournament_fees.messages WHERE status NOT IN ('queued', 'skipped')") == []
