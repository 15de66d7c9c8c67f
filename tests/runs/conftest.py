"""What `make serve` starts, once for all tests of flow runs, and the demo club in it, new for each test."""

from collections.abc import Iterator

import pytest

from deployments.local.prefect_api import prefect_api
from deployments.local.serve import served as serve
from deployments.local.temporary_home import temporary_home
from tasks.core.settings_source import load_settings
from tests.support.deploying import undo
from tests.support.flow_process import flow_process
from tests.support.harness import Pipeline, open_pipeline
from tests.support.mail_wire import MailWire, mail_wire
from tests.support.rude_server import rude_server
from tests.support.served import Served


@pytest.fixture(scope="session")
def serving() -> Iterator[Served]:
    """The stack with Prefect's server and a worker, in a home of its own; nothing of the user's is touched."""
    with (
        temporary_home(in_memory=True) as home,
        serve(home, {}, print) as (stack, worker),
        prefect_api(stack.environment) as api,
        stack.stand_in() as stand_in,
        flow_process(stack.environment, stack.home / "logs" / "flows.log") as flows,
    ):
        yield Served(stack, worker, api, stand_in, flows)


@pytest.fixture
def served(serving: Served) -> Iterator[Served]:
    """The same, with nothing left at Stripe and in the club's database, and no run left behind."""
    serving.stand_in.reset()
    serving.renew_database()
    yield serving
    serving.stand_in.clear_faults()
    serving.end_runs()


@pytest.fixture
def club(served: Served) -> Iterator[Pipeline]:
    """The demo club, as the first `make serve` makes it; its inbox has what is caught from now on."""
    settings = load_settings(served.environment)
    with open_pipeline(settings, served.stand_in, served.inbox.from_now_on()) as pipeline:
        pipeline.load_demo()
        yield pipeline


@pytest.fixture
def as_it_was(served: Served) -> Iterator[None]:
    """Undo what a test deploys."""
    yield
    undo(served)


@pytest.fixture
def wire(served: Served) -> Iterator[MailWire]:
    """Another way to the mail catcher, for runs that are triggered with its URL as SMTP_URL."""
    with mail_wire(served.environment["SMTP_URL"]) as wire:
        yield wire


@pytest.fixture
def rude_smtp() -> Iterator[str]:
    """The URL of a mail server that refuses karen.abbott@example.com."""
    with rude_server() as url:
        yield url
