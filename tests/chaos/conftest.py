"""The real parts of the integration tests, for tests that kill and stall what works on them."""

from collections.abc import Iterator

import pytest
from stripe import HTTPClient

from deployments.local.stripe_standin.launch import running_stand_in
from deployments.local.temporary_home import temporary_home
from tasks.core import rate_limit
from tests.chaos.world import World
from tests.integration.conftest import (
    catcher,
    database_url,
    empty_club,
    inbox,
    reused,
    role,
    server_url,
    settings,
    shared_stand_in,
    small_club,
    small_template,
    stand_in,
    template,
)
from tests.support.harness import Inbox, fresh_database, open_pipeline, settings_for
from tests.support.small_club import SmallClub

__all__ = [
    "catcher",
    "database_url",
    "empty_club",
    "inbox",
    "reused",
    "role",
    "server_url",
    "settings",
    "shared_stand_in",
    "small_club",
    "small_template",
    "stand_in",
    "template",
]


@pytest.fixture(scope="module")
def world(server_url: str, catcher: Inbox) -> Iterator[World]:
    """One club, database and stand-in for all examples: each begins with `reset`."""
    with (
        pytest.MonkeyPatch.context() as patch,
        fresh_database(server_url) as database_url,
        temporary_home(in_memory=True) as folder,
        running_stand_in(folder / "stripe.sqlite3") as server,
        server.control() as control,
        open_pipeline(
            settings_for(database_url, control, catcher).model_copy(update={"stripe_calls_per_second": 1000.0}),
            control,
            catcher,
        ) as pipeline,
    ):
        patch.setattr(HTTPClient, "INITIAL_DELAY", 0.0)  # the SDK's pause before its second try: nobody is served by it
        patch.setattr(HTTPClient, "MAX_DELAY", 0.0)
        patch.setattr(rate_limit, "FIRST_BACK_OFF", 0.0)  # as little by ours
        yield World(SmallClub.on(pipeline))
