"""Real parts for the pipeline: PostgreSQL, the Stripe stand-in over HTTP, a mail catcher over SMTP."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from deployments.local.demo_club import STORIES, load_demo_club
from deployments.local.postgres import embedded_postgres
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import running_stand_in
from deployments.local.temporary_home import temporary_home
from tasks.core.database import Database
from tasks.core.settings import Settings
from tests.support.harness import (
    FORGETFUL,
    Inbox,
    Pipeline,
    StrictStandIn,
    ToldClub,
    catching_mail,
    fresh_database,
    ledger_template,
    migrated_pipeline,
    own_client,
    own_pipeline,
    settings_for,
)
from tests.support.reused_database import ReusedDatabases
from tests.support.small_club import found_small_club


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The embedded PostgreSQL, or the server that TEST_DATABASE_URL names (make test-system: PostgreSQL 15)."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with (
        temporary_home(in_memory=True) as folder,
        embedded_postgres(folder / "data", databases=("club",), settings=FORGETFUL) as server,
    ):
        yield server.url("club")


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database of its own for one test, with nothing in it."""
    with fresh_database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    with ledger_template(server_url) as name:
        yield name


@pytest.fixture(scope="session")
def small_template(server_url: str, template: str) -> Iterator[str]:
    with fresh_database(server_url, template) as url:
        with closing(Database(url)) as owner:
            found_small_club(owner)
        yield make_url(url).database or ""


@pytest.fixture(scope="session")
def demo_template(server_url: str, template: str, shared_stand_in: StrictStandIn) -> Iterator[str]:
    """The demo club, of which the stand-in keeps its part: to make 28 sessions takes as long as many a test."""
    with fresh_database(server_url, template) as url:
        shared_stand_in.reset()
        with closing(Database(url)) as owner:
            load_demo_club(owner, own_client(shared_stand_in), shared_stand_in)
        shared_stand_in.clear_requests()
        shared_stand_in.keep()
        yield make_url(url).database or ""


@pytest.fixture(scope="session")
def reused(server_url: str, pytestconfig: pytest.Config) -> Iterator[ReusedDatabases]:
    databases = ReusedDatabases(server_url, granted=pytestconfig.getoption("--least-privilege"))
    yield databases
    databases.drop()


@pytest.fixture
def database_url(reused: ReusedDatabases, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with the pipeline's own tables in it, and nothing of another test's."""
    clubs = {"small_club": "small_template", "demo_club": "demo_template"}
    template = next((clubs[name] for name in clubs if name in request.fixturenames), "template")
    with reused.lend(request.getfixturevalue(template)) as url:
        yield url


@pytest.fixture(scope="session")
def shared_stand_in() -> Iterator[StrictStandIn]:
    with (
        temporary_home(in_memory=True) as folder,
        running_stand_in(folder / "stripe.sqlite3") as server,
        StrictStandIn(server.base_url, server.secret) as control,
    ):
        yield control


@pytest.fixture
def stand_in(shared_stand_in: StrictStandIn) -> Iterator[StandInControl]:
    with shared_stand_in.strict() as control:
        yield control


@pytest.fixture(scope="session")
def catcher() -> Iterator[Inbox]:
    with temporary_home(in_memory=True) as folder, catching_mail(folder / "mail") as inbox:
        yield inbox


@pytest.fixture
def inbox(catcher: Inbox) -> Inbox:
    return catcher.from_now_on()


@pytest.fixture
def settings(database_url: str, stand_in: StandInControl, inbox: Inbox) -> Settings:
    return settings_for(database_url, stand_in, inbox)


@pytest.fixture
def role(request: pytest.FixtureRequest) -> str:
    """The role of the pipeline's steps, where make test-roles runs; else they have the owner's rights."""
    return "tournament_fees_pipeline" if request.config.getoption("--least-privilege") else ""


@pytest.fixture
def empty_club(settings: Settings, stand_in: StandInControl, inbox: Inbox, role: str) -> Iterator[Pipeline]:
    """The pipeline on a database that has its own tables and nothing of the club's."""
    with migrated_pipeline(settings, stand_in, inbox, role) as pipeline:
        yield pipeline


@pytest.fixture
def small_club(empty_club: Pipeline) -> Pipeline:
    """The same, for SmallClub.on(): the team and the tournament are there, which saves each test 20 milliseconds."""
    return empty_club


@pytest.fixture
def demo_club(empty_club: Pipeline) -> Pipeline:
    """The pipeline on the demo club: the tournament of the field record and what stands beside it."""
    empty_club.stand_in.restore()
    empty_club.grant_where_missing()
    return empty_club


@pytest.fixture(scope="module")
def told_club(server_url: str, catcher: Inbox) -> Iterator[ToldClub]:
    """The demo club after one run, on parts of its own: for tests that only look."""
    with own_pipeline(server_url, catcher.from_now_on()) as pipeline:
        pipeline.load_demo()
        before = {player: pipeline.order_of(player) for player in STORIES}
        summary = pipeline.run()
        yield ToldClub(replace(pipeline, inbox=pipeline.inbox.until_now()), before, summary)
