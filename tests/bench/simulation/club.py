"""A club with real parts of its own, in which a season is lived through."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock

from deployments.local.stripe_standin.launch import running_stand_in
from tests.bench.simulation.browser import Browser
from tests.bench.simulation.parents import Parent
from tests.bench.simulation.season import DAYS_TO_PAY, FIRST_DAY, FIRST_MAIL, Season
from tests.bench.simulation.ways import Way
from tests.support.harness import Pipeline, catching_mail, fresh_database, open_pipeline, settings_for
from tests.support.link_club import LinkClub

BEGINNING = FIRST_MAIL - timedelta(days=4)
"""The old system makes its sessions up to three days before the first mail."""

MIGRATING = Lock()
"""Two seasons are lived at a time, and Alembic's context is one a process."""

UNHURRIED = {"stripe_calls_per_second": 1000.0, "batch_size": 50}
"""The stand-in refuses nobody: to wait for turns would only take the simulation's time."""


@contextmanager
def season_of(way: Way, parents: tuple[Parent, ...], server_url: str, folder: Path) -> Iterator[Season]:
    """Give a season of this way, planned and not yet run, on a database, a stand-in and a mail server of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as parts:
        inbox = parts.enter_context(catching_mail(folder / "mail"))
        database_url = parts.enter_context(fresh_database(server_url))
        server = parts.enter_context(running_stand_in(folder / "stripe.sqlite3"))
        stand_in = parts.enter_context(server.control())
        settings = settings_for(database_url, stand_in, inbox).model_copy(update=UNHURRIED)
        with MIGRATING:
            pipeline = parts.enter_context(open_pipeline(settings, stand_in, inbox))
        season = Season(found(pipeline), parents, parts.enter_context(Browser()))
        way.plan(season)
        yield season


def found(pipeline: Pipeline) -> LinkClub:
    """Found the club: its tournament is in a month, and can be paid for three weeks from the first mail on."""
    pipeline.later(BEGINNING - pipeline.clock())
    club = LinkClub.on(pipeline)
    club.sql(
        "UPDATE tournaments SET time_zone = 'America/Denver', payment_deadline = :deadline, event_date = :event",
        deadline=FIRST_DAY + timedelta(days=DAYS_TO_PAY),
        event=FIRST_DAY + timedelta(days=30),
    )
    return club
